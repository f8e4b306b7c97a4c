import { splitRun } from '../../src/audit/chunk.ts';
import { nowSeconds } from '../../src/core/clock.ts';
import type { StoredEntries } from '../../src/signer/keyring-contract.ts';
import type { Disk } from '../store/disk.ts';
import { ENTRY } from '../store/entry.ts';
import { anyNoun } from '../store/noun.ts';
import { EXPORT_RESEND, type Ledger, type Memory, stored, unstored } from './state.ts';

/** Entries of one export. */
const EXPORT_MOST = 2_000;

/**
 * Sends entries that D1 does not have to the audit queue (law 11). The committed state decides what is sent, so a lost message is sent
 * again until the consumer has acknowledged it; D1 ignores entries that it has already stored.
 */
export const sendEntries = async (
  queue: Pick<Queue, 'send'>,
  memory: Memory,
  disk: Pick<Disk, 'entriesAfter'>,
): Promise<void> => {
  const now = nowSeconds();
  const { exported, head } = memory.state;
  const isUnderWay = memory.sentTo > exported && now < memory.sentAt + EXPORT_RESEND;
  if (head.seq <= exported || isUnderWay) return;
  const entries = disk.entriesAfter([anyNoun(ENTRY)], exported, EXPORT_MOST);
  const last = entries.at(-1);
  if (last === undefined) return;
  memory.sentAt = now;
  memory.sentTo = last.seq;
  for (const message of splitRun(entries)) await queue.send(message, { contentType: 'v8' });
};

/** Stores that D1 has every entry up to `seq`. A lower or a future seq changes nothing: queues do not order. */
export const acknowledge = (
  ledger: Ledger,
  seq: number,
): Promise<{ readonly verdict: 'ok' | 'unavailable' }> =>
  ledger.submit<{ readonly verdict: 'ok' | 'unavailable' }>(
    (state) =>
      Number.isSafeInteger(seq) && seq > state.exported && seq <= state.head.seq
        ? stored({ ...state, exported: seq }, { verdict: 'ok' })
        : unstored(state, { verdict: 'ok' }),
    { verdict: 'unavailable' },
  );

/** Entries that the object still stores, after a seq; none if D1 alone has the next one. */
export const storedEntries = (
  { state }: Memory,
  disk: Pick<Disk, 'entriesAfter'>,
  after: number,
  limit: number,
): StoredEntries => {
  const entries = disk.entriesAfter([anyNoun(ENTRY)], after, limit);
  const { exported } = state;
  return { entries: entries[0]?.seq === after + 1 ? entries : [], exported };
};
