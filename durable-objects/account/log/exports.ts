import { splitRun } from '../../../src/audit/chunk.ts';
import type { Seconds } from '../../../src/core/clock.ts';
import { inTime } from '../../../src/core/in-time.ts';
import type { Disk } from '../../store/disk.ts';
import { type Decision, stored, unstored } from '../decision.ts';
import type { Ledger } from '../ledger.ts';
import { sendAt, sent, UNSENT } from '../../store/outbox.ts';
import { dropExported, EXPORT_DELAY, type Memory } from '../memory.ts';
import type { AccountState } from '../state.ts';
import { entriesAfter } from './feed.ts';

/** Entries of one export. */
const EXPORT_MOST = 2_000;
/** A busy account exports as soon as it has this many entries. */
const EXPORT_EARLY = 1_000;
/** How long the account waits for D1, milliseconds: until then it exports nothing, and cannot be evicted. */
const D1_PATIENCE_MS = 3_000;

/**
 * Exports the account's entries to D1 (law 11): when its payments have ended, when it has a thousand entries, and otherwise ten seconds
 * late.
 *
 * An acknowledgement is stored with the next write, not by itself. An account that wakes may have lost one, so it asks D1 first: sending
 * the entries again would cost more than the question.
 */
export type Exports = {
  isDue(memory: Memory, now: Seconds): boolean;
  send(memory: Memory, disk: Disk, now: Seconds): Promise<void>;
  /** After a wake-up: reads once how far D1 has stored the chain. The next write stores the answer. */
  ask(memory: Memory): Promise<void>;
  /** As `ask`, for an account that may write nothing for a long time: stores the answer, so that no later wake-up asks again. */
  askAndStore(memory: Memory): Promise<void>;
  /** D1 has every entry up to `seq`. @returns the updated memory; undefined if the account is unavailable. */
  acknowledge(seq: number): Promise<Memory | undefined>;
};

export const openExports = (
  env: Pick<Env, 'AUDIT_DB' | 'AUDIT_QUEUE'>,
  ledger: () => Ledger,
): Exports => {
  const advance = async (
    seq: number,
    decide: (state: AccountState, memory: Memory) => Decision<Memory>,
  ): Promise<Memory | undefined> => {
    const memory = await ledger().submit<Memory | undefined>(
      (state, _, known) =>
        isNews(state, seq) ? decide({ ...state, exported: seq }, known) : unstored(state, known),
      undefined,
    );
    if (memory !== undefined) dropExported(memory);
    return memory;
  };

  const askOnce = async (
    memory: Memory,
    decide: (state: AccountState, memory: Memory) => Decision<Memory>,
  ): Promise<void> => {
    if (memory.exports !== 'unknown') return;
    memory.exports = 'asking';
    try {
      const { loadStoredHead } = await import('../../../src/audit/stored-chain.ts');
      const { head } = await inTime(
        loadStoredHead(env.AUDIT_DB, memory.state.account),
        D1_PATIENCE_MS,
      );
      await advance(head.seq, decide);
      keepFresh(memory, ledger().disk());
    } catch (cause) {
      // Without an answer the account sends what it has: D1 ignores what it has stored already.
      console.error({ event: 'export_unknown', cause: String(cause) });
    } finally {
      memory.exports = 'known';
    }
  };

  const isDue = (memory: Memory, now: Seconds): boolean => {
    const { head, exported } = memory.state;
    if (head.seq <= exported || memory.exports !== 'known') return false;
    const isUnderWay = memory.export.to > exported && now < sendAt(memory.export);
    const { fresh } = memory;
    return (
      !isUnderWay &&
      (memory.exportNow ||
        fresh.length >= EXPORT_EARLY ||
        now >= (fresh[0]?.at ?? 0) + EXPORT_DELAY)
    );
  };

  return {
    isDue,
    ask: (memory) => askOnce(memory, unstored),
    askAndStore: (memory) => askOnce(memory, stored),
    acknowledge: (seq) => advance(seq, unstored),
    async send(memory, disk, now) {
      if (!isDue(memory, now)) return;
      const { head, exported } = memory.state;
      if (memory.fresh[0]?.seq !== exported + 1) keepFresh(memory, disk);
      const entries =
        memory.fresh[0]?.seq === exported + 1
          ? memory.fresh.slice(0, EXPORT_MOST)
          : entriesAfter(disk, exported, EXPORT_MOST);
      const last = entries.at(-1);
      if (last === undefined) return;
      if (entries[0]?.seq !== exported + 1) {
        // The object no longer stores these entries, so D1 must have them: the account asks D1 again.
        memory.exports = 'unknown';
        return;
      }
      memory.exportNow = last.seq < head.seq;
      // Every copy waits in the queue for as long as D1 is away, and costs reads of D1 when it is back.
      const before = memory.export.to > exported ? memory.export : UNSENT;
      memory.export = { ...sent(before, now), to: last.seq };
      for (const message of splitRun(entries)) {
        await env.AUDIT_QUEUE.send(message, { contentType: 'v8' });
      }
    },
  };
};

/** Keeps the entries that D1 does not have, if they are few: their age decides when they are exported. */
const keepFresh = (memory: Memory, disk: Disk): void => {
  const { head, exported } = memory.state;
  if (memory.fresh.length > 0 || exported === head.seq) return;
  const entries = entriesAfter(disk, exported, EXPORT_EARLY);
  if (entries.at(-1)?.seq === head.seq) memory.fresh = [...entries];
};

/** A lower or a future seq changes nothing: queues do not order. */
const isNews = ({ exported, head }: AccountState, seq: number): boolean =>
  Number.isSafeInteger(seq) && seq > exported && seq <= head.seq;
