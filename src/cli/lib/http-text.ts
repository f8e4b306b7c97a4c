import { readCopy } from '../../client/json.ts';
import { decodeUtf8 } from '../../crypto/bytes.ts';
import { CliError, EXIT } from './errors.ts';

const TIMEOUT_MS = 30_000;
const MAX_BODY = 4 * 1024 * 1024;

/** GETs public text of a gateway, without following redirects; undefined for 404. @throws CliError */
export const httpText = async (url: string, signal: AbortSignal): Promise<string | undefined> => {
  const bytes = await httpBytes(url, signal);
  const text = bytes === undefined ? undefined : decodeUtf8(bytes);
  if (bytes !== undefined && text === undefined) throw unreachable(url, 'The answer is not UTF-8.');
  return text;
};

/** As `httpText`, but any bytes. @throws CliError */
export const httpBytes = async (
  url: string,
  signal: AbortSignal,
): Promise<Uint8Array | undefined> => {
  try {
    const response = await fetch(url, {
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    if (response.status === 404) return undefined;
    if (response.status !== 200) throw unreachable(url, `The gateway answered ${response.status}.`);
    const bytes = await readCopy(response, MAX_BODY);
    if (bytes === undefined) throw unreachable(url, 'The answer is too long.');
    return bytes;
  } catch (thrown) {
    signal.throwIfAborted();
    throw thrown instanceof CliError
      ? thrown
      : unreachable(url, 'The gateway did not answer.', thrown);
  }
};

const unreachable = (url: string, why: string, cause?: unknown): CliError =>
  new CliError(`The command cannot read ${url}. ${why}`, {
    hint: '`countersign doctor` checks each part of a gateway.',
    exit: EXIT.network,
    code: 'unreachable',
    cause,
  });
