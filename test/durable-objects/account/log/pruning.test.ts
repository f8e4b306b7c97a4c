import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { CALL, type CallRecord } from '../../../../durable-objects/account/call/call-record.ts';
import { openCallPruning, type Pruning } from '../../../../durable-objects/account/pruning.ts';
import { put } from '../../../../durable-objects/store/noun.ts';
import { openSqlDisk } from '../../../../durable-objects/store/sql-disk.ts';
import { countReads } from '../../count-reads.ts';
import { describe, expect, it } from 'vitest';

const NOW = 1_800_000_000;
const STEP = 10;
/** Seconds between two steps, the same value as in `pruning.ts`. */
const PAUSE = 2;
const HOUR = 3_600;

type Stored = { readonly id: string; readonly pruneAt: number | null; readonly seq: number };

/** A call record without content: pruning reads only the columns, which `accountOf` sets. */
const record = { entries: [] } as unknown as CallRecord;

/** Runs `work` with the pruning of an account that stores these calls, the remaining calls and the count of rows read. */
const accountOf = <T>(
  stored: readonly Stored[],
  work: (account: {
    readonly prune: Pruning;
    readonly add: (call: Stored) => void;
    readonly left: () => readonly string[];
    readonly read: () => number;
  }) => T,
): Promise<T> =>
  runInDurableObject(env.AGENT_ACCOUNT.get(env.AGENT_ACCOUNT.newUniqueId()), (_, { storage }) => {
    const disk = openSqlDisk(storage);
    const add = ({ id, pruneAt, seq }: Stored): void => {
      const fields = {
        ...{ due: () => null, prune_at: () => pruneAt, last_seq: () => seq },
        ...{ valid_before: () => null, identifier: () => null },
      };
      disk.write([put({ ...CALL, fields, encode: () => '{}', key: () => id }, record)]);
    };
    for (const call of stored) add(call);
    const counted = countReads(storage);
    const pruned = openSqlDisk(counted.storage);
    // Read the table names before counting: an object reads them once.
    pruned.exists();
    const before = counted.read();
    return work({
      prune: openCallPruning(pruned, STEP),
      add,
      left: () => [...disk.list(CALL)].map(({ key }) => String(key)),
      read: () => counted.read() - before,
    });
  });

const idOf = (number: number): string => `0x${number.toString(16).padStart(64, '0')}`;

const calls = (count: number, one: Omit<Stored, 'id'>, from = 0): readonly Stored[] =>
  Array.from({ length: count }, (_, at) => ({ ...one, id: idOf(from + at) }));

describe('pruning', () => {
  it('deletes exported calls that are due in one step, and returns when the next call is due', async () => {
    await accountOf(
      [
        { id: idOf(1), pruneAt: NOW, seq: 5 },
        { id: idOf(2), pruneAt: NOW + 70, seq: 5 },
        { id: idOf(3), pruneAt: null, seq: 5 },
      ],
      ({ prune, left }) => {
        expect(prune(NOW, 5, undefined)).toBe(NOW + 70);
        expect(left()).toEqual([idOf(2), idOf(3)]);
      },
    );
  });

  it('keeps a due call that is not exported, and retries after five minutes', async () => {
    await accountOf(
      [
        { id: idOf(1), pruneAt: NOW - 9, seq: 6 },
        { id: idOf(2), pruneAt: NOW + 9_000, seq: 5 },
      ],
      ({ prune, left }) => {
        expect(prune(NOW, 5, undefined)).toBe(NOW + 300);
        expect(left()).toHaveLength(2);
        expect(prune(NOW + 300, 6, NOW + 300)).toBe(NOW + 9_000);
        expect(left()).toEqual([idOf(2)]);
      },
    );
  });

  it('reads no rows before the next call is due', async () => {
    await accountOf(calls(5, { pruneAt: NOW + 50, seq: 1 }), ({ prune, read }) => {
      expect(prune(NOW, 1, undefined)).toBe(NOW + 50);
      const before = read();
      expect(prune(NOW + 49, 1, NOW + 50)).toBe(NOW + 50);
      expect(prune(NOW + 49, 1, undefined)).toBeUndefined();
      expect(read()).toBe(before);
    });
  });

  it('prunes a large account in steps of bounded reads, until no due call remains', async () => {
    const many = 95;
    const stored = calls(many, { pruneAt: NOW, seq: 1 });
    await accountOf(
      [...stored, { id: idOf(999), pruneAt: NOW + 500, seq: 1 }],
      ({ prune, left, read }) => {
        let now = NOW;
        let due: number | undefined;
        for (let steps = 1; steps < 10; steps += 1) {
          const before = read();
          due = prune(now, 1, due);
          // Each step reads a bounded number of rows for the rows of its step, also when it scans and deletes them.
          expect(read() - before).toBeLessThanOrEqual(5 * STEP);
          expect(due).toBe(now + PAUSE);
          now += PAUSE;
        }
        expect(left()).toHaveLength(many + 1 - 9 * STEP);
        expect(prune(now, 1, due)).toBe(NOW + 500);
        expect(left()).toEqual([idOf(999)]);
      },
    );
  });

  it('returns within an hour to calls that became due behind its cursor', async () => {
    await accountOf(calls(15, { pruneAt: NOW + 90_000, seq: 1 }, 100), ({ prune, add, left }) => {
      expect(prune(NOW, 1, undefined)).toBe(NOW + PAUSE);
      add({ id: idOf(1), pruneAt: NOW + 6, seq: 1 });
      expect(prune(NOW + PAUSE, 1, NOW + PAUSE)).toBe(NOW + PAUSE + HOUR);
      const again = NOW + PAUSE + HOUR;
      expect(prune(again, 1, again)).toBe(again + PAUSE);
      expect(left()).not.toContain(idOf(1));
    });
  });

  it('takes no early step when the alarm fires for other work', async () => {
    await accountOf(calls(95, { pruneAt: NOW, seq: 1 }), ({ prune, left, read }) => {
      const due = prune(NOW, 1, undefined);
      const before = read();
      for (let past = 1; past < PAUSE; past += 1) expect(prune(NOW + past, 1, due)).toBe(due);
      expect(read()).toBe(before);
      expect(prune(NOW + PAUSE, 1, due)).toBe(NOW + 2 * PAUSE);
      expect(left()).toHaveLength(95 - 2 * STEP);
    });
  });

  it('schedules no pruning for calls that never become due', async () => {
    await accountOf(calls(3, { pruneAt: null, seq: 1 }), ({ prune }) => {
      expect(prune(NOW, 1, undefined)).toBeUndefined();
    });
  });
});
