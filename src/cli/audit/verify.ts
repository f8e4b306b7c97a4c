import type { Hex } from '../../core/account-id.ts';
import { type Broken, verifyLog } from '../../audit/verify.ts';
import type { Input } from '../command.ts';
import { CliError, usageError } from '../errors.ts';
import { textFile } from '../manage/json-file.ts';
import { roomOf } from '../manage/show.ts';
import type { Session } from '../session.ts';
import { fields } from '../table.ts';

const MAX_LOG = 400 * 1024 * 1024;

/** `audit verify`: the hash chain of an exported log, offline, without trust in whoever exported it. */
export const verifyFile = async (session: Session, input: Input): Promise<void> => {
  const { out } = session;
  const path = input.arguments[0] ?? '';
  const head = input.text('head')?.toLowerCase();
  if (head !== undefined && !/^0x[0-9a-f]{64}$/.test(head))
    throw usageError(
      '--head is no hash.',
      'Give 0x and 64 hex digits, e.g. the `entry` of a receipt.',
    );
  const text = await textFile(session, path, MAX_LOG);
  const verified = await session.progress.during('verifying', async () =>
    Promise.resolve(verifyLog(text, head === undefined ? {} : { lastHash: head as Hex })),
  );
  if (!verified.ok) throw brokenError(verified.error);
  const { account, first, last, hash } = verified.value;
  out.result({ verified: true, account, first, last, hash, whole: first === 1 }, () =>
    [
      `${out.style.good('holds')}  every entry is as it was written`,
      fields(
        [
          ['account', account],
          ['entries', `${first} to ${last}`],
          ['head', hash],
          ['from', first === 1 ? 'the beginning' : 'the middle: what is before is not known'],
          [
            'last',
            head === undefined
              ? 'nobody vouches for the last entry; give --head with a hash you know'
              : undefined,
          ],
        ],
        out.style.dim,
        roomOf(out),
      ),
    ].join('\n'),
  );
};

const WHY: Readonly<Record<Broken['reason'], string>> = {
  empty: 'There is no entry in it.',
  malformed: 'A line is no entry.',
  account: 'An entry is of another account.',
  seq: 'Entries are missing, repeated or out of order.',
  unlinked: 'An entry does not name the one before it.',
  altered: 'An entry is not what it was when it was written.',
};

const brokenError = (broken: Broken): CliError => {
  const { index, seq, reason, ...more } = broken;
  return new CliError(`The log does not hold. ${WHY[reason]}`, {
    hint: 'Export it again and compare; keep this file, it may be evidence.',
    code: 'log_broken',
    details: { line: index + 1, seq, reason, ...more },
  });
};
