import { readCopy } from '../../client/json.ts';
import { decodeUtf8 } from '../../crypto/bytes.ts';
import { CliError, EXIT } from './errors.ts';

const TIMEOUT_MS = 30_000;
const MAX_BODY = 4 * 1024 * 1024;

/** GETs public text of a gateway, without following redirects; undefined for 404. @throws CliError */
export const httpText = async (url: string, signal: AbortSignal): Promise<string | undefined> => {
  const failed = (why: string, cause?: unknown): CliError =>
    new CliError(`The command cannot read ${url}. ${why}`, {
      hint: '`countersign doctor` checks each part of a gateway.',
      exit: EXIT.network,
      code: 'unreachable',
      cause,
    });
  try {
    const response = await fetch(url, {
      redirect: 'manual',
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    if (response.status === 404) return undefined;
    if (response.status !== 200) throw failed(`The gateway answered ${response.status}.`);
    const bytes = await readCopy(response, MAX_BODY);
    const text = bytes === undefined ? undefined : decodeUtf8(bytes);
    if (text === undefined) throw failed('The answer is too long or not UTF-8.');
    return text;
  } catch (thrown) {
    signal.throwIfAborted();
    throw thrown instanceof CliError ? thrown : failed('The gateway did not answer.', thrown);
  }
};
