import {
  type Signatures,
  type Unsigned,
  type VerifiedLog,
  verifySignedRun,
} from '../../audit/signatures.ts';
import { type Broken, readLog } from '../../audit/verify.ts';
import type { Hex } from '../../core/hex.ts';
import type { Result } from '../../core/result.ts';
import { defineCommand } from '../lib/command.ts';
import { CliError } from '../lib/errors.ts';
import { hashIn } from '../lib/input.ts';
import { textFile } from '../lib/input-file.ts';
import { proseWidth } from '../lib/print.ts';
import { fields } from '../lib/table.ts';

const MAX_LOG = 400 * 1024 * 1024;

export const command = defineCommand({
  summary: 'verify hash chain and signatures of an exported log, offline',
  arguments: [{ syntax: '<file>', summary: 'NDJSON; - for stdin' }],
  options: [
    { flags: '--head <hash>', summary: 'hash of the last entry, e.g. the `entry` of a receipt' },
  ],
  run: async (session, input) => {
    const { out } = session;
    const given = input.text('head');
    const head =
      given === undefined
        ? undefined
        : hashIn(given, 'a hash for --head', 'e.g. the `entry` of a receipt');
    const text = await textFile(session, input.arguments[0] ?? '', MAX_LOG);
    const verified = await session.progress.during('verifying', async () => verify(text, head));
    if (!verified.ok) throw brokenError(verified.error);
    const { account, first, last, hash, signatures } = verified.value;
    const { recomputed, byChain, sealed, outside } = signatures;
    const document = { recomputed, by_chain: byChain, sealed, outside };
    out.result(
      { verified: true, account, first, last, hash, whole: first === 1, signatures: document },
      () =>
        [
          `${out.style.good('verified')}  every entry is unaltered and signed`,
          fields(
            [
              ['account', account],
              ['entries', `${first} to ${last}`],
              ['head', hash],
              [
                'from',
                first === 1 ? 'the beginning' : 'the middle; earlier entries are not in the file',
              ],
              ['signatures', signaturesText(signatures)],
              ['contracts', byChain.length === 0 ? undefined : contractsText(signatures)],
              [
                'last',
                head === undefined
                  ? 'no later entry vouches for the last one; give --head with a hash that you know'
                  : undefined,
              ],
            ],
            out.style.dim,
            proseWidth(out),
          ),
        ].join('\n'),
    );
  },
});

const verify = async (
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
    ...(sealed === 0 ? [] : [`${sealed} by digest only: payments that are open or were released`]),
    ...(outside === 0 ? [] : [`${outside} of payments accepted before this file begins`]),
  ].join('; ');

const MAX_SHOWN = 8;

const contractsText = ({ byChain }: Signatures): string => {
  const shown = byChain
    .slice(0, MAX_SHOWN)
    .map(({ seq, block }) => `entry ${seq} at block ${block}`);
  const more = byChain.length - shown.length;
  return [
    `the chain vouched for ${byChain.length}, which an offline check cannot recompute (ERC-1271): ${shown.join(', ')}`,
    ...(more === 0 ? [] : [`${more} more with --json`]),
  ].join('; ');
};

const WHY: Readonly<Record<(Broken | Unsigned)['reason'], string>> = {
  empty: 'The file holds no entry.',
  malformed: 'A line is not an entry.',
  account: 'An entry belongs to another account.',
  seq: 'Entries are missing, repeated or out of order.',
  unlinked: 'An entry does not name the hash of the entry before it.',
  altered: 'An entry changed after it was written.',
  unsigned: 'An entry lacks a signature, or its signature does not verify.',
};

const brokenError = (broken: Broken | Unsigned): CliError => {
  const { index, seq, reason, ...more } = broken;
  return new CliError(`The log does not verify. ${WHY[reason]}`, {
    hint: 'Export the log again and compare. Keep this file: it may be evidence.',
    code: 'log_broken',
    details: { line: index + 1, seq, reason, ...more },
  });
};
