import type { Hex } from '../../core/hex.ts';
import {
  type Signatures,
  type Unsigned,
  type VerifiedLog,
  verifySignedRun,
} from '../../audit/signatures.ts';
import { type Broken, readLog } from '../../audit/verify.ts';
import type { Result } from '../../core/result.ts';
import type { Input } from '../lib/command.ts';
import { CliError, usageError } from '../lib/errors.ts';
import { textFile } from '../lib/input-file.ts';
import { roomOf } from '../lib/print.ts';
import type { Session } from '../lib/session.ts';
import { fields } from '../lib/table.ts';

const MAX_LOG = 400 * 1024 * 1024;

/** `audit verify`: hash chain and signatures of an exported log, offline, without trust in whoever exported it. */
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
  const verified = await session.progress.during(
    'verifying',
    async () => await verifyText(text, head as Hex | undefined),
  );
  if (!verified.ok) throw brokenError(verified.error);
  const { account, first, last, hash, signatures } = verified.value;
  const { recomputed, byChain, sealed, outside } = signatures;
  const told = { recomputed, by_chain: byChain, sealed, outside };
  out.result(
    { verified: true, account, first, last, hash, whole: first === 1, signatures: told },
    () =>
      [
        `${out.style.good('holds')}  every entry is as it was written, and signed`,
        fields(
          [
            ['account', account],
            ['entries', `${first} to ${last}`],
            ['head', hash],
            ['from', first === 1 ? 'the beginning' : 'the middle: what is before is not known'],
            ['signatures', signaturesText(signatures)],
            ['contracts', byChain.length === 0 ? undefined : contractsText(signatures)],
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

const verifyText = async (
  text: string,
  lastHash: Hex | undefined,
): Promise<Result<VerifiedLog, Broken | Unsigned>> => {
  const read = readLog(text);
  return read.ok
    ? await verifySignedRun(read.value, lastHash === undefined ? {} : { lastHash })
    : read;
};

const signaturesText = ({ recomputed, sealed, outside }: Signatures): string =>
  [
    `${recomputed} recomputed`,
    ...(sealed === 0 ? [] : [`${sealed} by digest only: payments that are open, or were released`]),
    ...(outside === 0 ? [] : [`${outside} of payments that were accepted before this file begins`]),
  ].join('; ');

const MOST_SHOWN = 8;

const contractsText = ({ byChain }: Signatures): string => {
  const shown = byChain
    .slice(0, MOST_SHOWN)
    .map(({ seq, block }) => `entry ${seq} by chain at block ${block}`);
  const rest = byChain.length - shown.length;
  return [
    `${byChain.length} vouched for by the chain, not recomputed (ERC-1271): ${shown.join(', ')}`,
    ...(rest === 0 ? [] : [`${rest} more with --json`]),
  ].join('; ');
};

const WHY: Readonly<Record<(Broken | Unsigned)['reason'], string>> = {
  empty: 'There is no entry in it.',
  malformed: 'A line is no entry.',
  account: 'An entry is of another account.',
  seq: 'Entries are missing, repeated or out of order.',
  unlinked: 'An entry does not name the one before it.',
  altered: 'An entry is not what it was when it was written.',
  unsigned: 'A signature of an entry is missing, or does not fit.',
};

const brokenError = (broken: Broken | Unsigned): CliError => {
  const { index, seq, reason, ...more } = broken;
  return new CliError(`The log does not hold. ${WHY[reason]}`, {
    hint: 'Export it again and compare; keep this file, it may be evidence.',
    code: 'log_broken',
    details: { line: index + 1, seq, reason, ...more },
  });
};
