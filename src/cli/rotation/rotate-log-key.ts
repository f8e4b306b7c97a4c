import { type ListedKey, parseKeyList } from '../../audit/log/key-list.ts';
import { keyIdOf, verifierKey } from '../../audit/log/signed-note.ts';
import { CliError, usageError } from '../lib/errors.ts';
import { httpText } from '../lib/http-text.ts';
import type { Input } from '../lib/input.ts';
import { sentence } from '../lib/print.ts';
import type { Session } from '../lib/session.ts';
import { isoTime } from '../lib/units.ts';

const FILE = 'log-key-next.json';

/**
 * Reads the published keys of the transparency log and prints the next step: LOG_KEY and LOG_KEY_NEXT hold them, and only a deployment changes
 * them. While both sign, a reader that knows either key verifies each checkpoint.
 *
 * @throws CliError
 */
export const rotateLogKey = async (session: Session, input: Input): Promise<void> => {
  const { profile, signal } = session;
  const gateway = await profile.gateway();
  const keys = parseKeyList((await httpText(`${gateway}/log/keys`, signal)) ?? '');
  if (keys === undefined) {
    throw new CliError(`${gateway} publishes no transparency log.`, {
      hint: 'Set the secret LOG_KEY to have one: docs/audit-log.md. `countersign doctor` checks the gateway.',
      code: 'no_log',
    });
  }
  // Oldest first. A key that has signed nothing yet is the newest.
  const present = keys
    .filter(({ until }) => until === undefined)
    .toSorted((one, other) => (one.from ?? Infinity) - (other.from ?? Infinity));
  const [, old] = input.arguments;
  if (old !== undefined && !/^[0-9a-f]{8}$/.test(old))
    throw usageError(
      'That is not the id of a key.',
      'Give the eight digits that the first run printed, or none.',
    );
  const isPresent = present.some(({ key }) => keyIdOf(key) === old);
  const retired = keys.find(({ key }) => !isPresent && keyIdOf(key) === old);
  const [current, next] = present;
  if (retired !== undefined) done(session, retired);
  else if (current !== undefined && next !== undefined) overlap(session, current, next);
  else if (current !== undefined && (old === undefined || old === keyIdOf(current.key)))
    replace(session, current);
  else
    throw new CliError('The log does not list that key.', {
      hint: 'Give the eight digits that the first run printed, or none.',
      code: 'unknown_key',
    });
};

const documentOf = ({ key, from, until }: ListedKey) => ({
  ...{ id: keyIdOf(key), key: verifierKey(key), from, until },
});

const replace = ({ out }: Session, current: ListedKey): void =>
  out.result({ step: 'replace', current: documentOf(current) }, () =>
    [
      sentence(out, 'Make a second key, which signs in addition to the present one:'),
      `npx countersign keys jwk > ${FILE}`,
      `npx wrangler secret put LOG_KEY_NEXT < ${FILE}`,
      sentence(
        out,
        `Keep the file, and the present key ${keyIdOf(current.key)} as LOG_KEY. The next checkpoint has both signatures; then run this command again.`,
      ),
    ].join('\n'),
  );

const overlap = ({ out }: Session, current: ListedKey, next: ListedKey): void =>
  out.result({ step: 'overlap', current: documentOf(current), next: documentOf(next) }, () =>
    [
      sentence(
        out,
        next.from === undefined
          ? 'The next checkpoint has the signatures of both keys: it follows the next call.'
          : `Checkpoints have the signatures of both keys since ${isoTime(next.from)}. Send this key to your auditors and to the operators of your witnesses:`,
      ),
      verifierKey(next.key),
      sentence(out, 'When they have it, the old key may stop:'),
      `npx wrangler secret put LOG_KEY < ${FILE}`,
      'npx wrangler secret delete LOG_KEY_NEXT',
      sentence(
        out,
        `After the next call, \`countersign keys rotate log ${keyIdOf(current.key)}\` checks that. Until then both keys are listed as signing.`,
      ),
    ].join('\n'),
  );

const done = ({ out }: Session, retired: ListedKey): void =>
  out.result({ step: 'done', old: documentOf(retired) }, () =>
    sentence(
      out,
      `The log signs without ${keyIdOf(retired.key)}${retired.until === undefined ? '' : ` since ${isoTime(retired.until)}`}. /log/keys keeps it listed: it still verifies older checkpoints and proof files.`,
    ),
  );
