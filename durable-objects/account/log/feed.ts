import type { AccountId } from '../../../src/protocol/account-id.ts';
import type { Entry, EntryPage } from '../../../src/protocol/entry.ts';
import type { Disk } from '../../store/disk.ts';
import { ENTRY } from '../../store/entry.ts';
import { anyNoun } from '../../store/noun.ts';
import { CALL } from '../call/stored-call.ts';
import { unstored } from '../decision.ts';
import type { Ledger } from '../ledger.ts';
import type { Memory } from '../memory.ts';

/** The longest wait, milliseconds. */
const MAX_WAIT_MS = 25_000;
const MAX_ENTRIES = 200;
/** Newest entries, kept for listeners: a backlog of thousands must not be read from storage for each of them. */
const KEPT = 256;
/**
 * The maximum of concurrent waits of one listener: each commit wakes each wait. Counted by listener, so that one listener cannot block the
 * others.
 */
const MAX_WAITS = 300;
/** A listener sends its next request within this time, milliseconds. */
const LISTENS_MS = 30_000;

/** New entries of an account, for its listeners. */
export type Feed = {
  /** Called once a group is durable, with its new entries. Not earlier: a crash must never undo an entry that was shown. */
  committed(added: readonly Entry[]): void;
  /** Entries after a place in the chain; if there are none yet, waits for the next commit that adds some. Writes nothing. */
  entries(
    after: number,
    waitMs: number,
    limit: number,
    by: AccountId | undefined,
  ): Promise<EntryPage>;
};

export const openFeed = (ledger: () => Ledger): Feed => {
  const waiters = new Map<() => void, AccountId | undefined>();
  let recent: readonly Entry[] = [];
  let listensUntil = 0;

  const read = (after: number, limit: number): Promise<EntryPage> =>
    ledger().submit<EntryPage>(
      // Memory holds durable entries only; those of decisions before this one in the group are not durable yet.
      (state, _, memory) =>
        unstored(state, {
          verdict: 'found',
          entries: entriesIn(memory, after, limit),
          exported: memory.state.exported,
          head: memory.state.head.seq,
        }),
      { verdict: 'unavailable' },
    );

  /** Without a gap, from `after` + 1 on; empty if that entry has left the account for D1. */
  const entriesIn = (memory: Memory, after: number, limit: number): readonly Entry[] => {
    const { head, exported } = memory.state;
    if (after >= head.seq) return [];
    const kept = [recent, memory.fresh].find(
      ([first]) => first !== undefined && first.seq <= after + 1,
    );
    if (kept !== undefined) return kept.filter(({ seq }) => seq > after).slice(0, limit);
    const stored = after < exported ? [] : entriesAfter(ledger().disk(), after, limit);
    return stored[0]?.seq === after + 1 ? stored : [];
  };

  return {
    committed(added) {
      const [first] = added;
      if (first === undefined) return;
      const listens = waiters.size > 0 || Date.now() < listensUntil;
      const continues = recent.at(-1)?.seq === first.seq - 1;
      recent = listens ? [...(continues ? recent : []), ...added].slice(-KEPT) : [];
      for (const signal of waiters.keys()) signal();
    },

    async entries(after, waitMs, limit, by) {
      const waits = [...waiters.values()].filter((each) => each === by).length;
      if (waits >= MAX_WAITS) return { verdict: 'unavailable' };
      const from = Number.isSafeInteger(after) ? Math.max(0, after) : 0;
      const most = Number.isSafeInteger(limit) ? Math.min(Math.max(1, limit), MAX_ENTRIES) : 1;
      const wait = { isOver: !(waitMs > 0), hasNews: false, resume: (): void => undefined };
      const signal = (): void => {
        wait.hasNews = true;
        wait.resume();
      };
      const end = (): void => {
        wait.isOver = true;
        wait.resume();
      };
      const timer = wait.isOver ? undefined : setTimeout(end, Math.min(waitMs, MAX_WAIT_MS));
      // Race: register before reading, so that no commit between reading and waiting is missed.
      waiters.set(signal, by);
      try {
        for (;;) {
          wait.hasNews = false;
          const found = await read(from, most);
          if (found.verdict !== 'found' || from < found.head || wait.isOver) return found;
          if (!wait.hasNews) await new Promise<void>((resolve) => (wait.resume = resolve));
        }
      } finally {
        clearTimeout(timer);
        waiters.delete(signal);
        listensUntil = Date.now() + LISTENS_MS;
      }
    },
  };
};

/** Stored entries after `seq`, in order, at most `limit`: those of calls, and those that are stored by themselves. */
export const entriesAfter = (disk: Disk, after: number, limit: number): readonly Entry[] =>
  disk.entriesAfter([anyNoun(CALL), anyNoun(ENTRY)], after, limit);
