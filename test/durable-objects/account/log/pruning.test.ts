import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, expect, it } from 'vitest';
import type { Row } from '../../../../durable-objects/account/codec.ts';
import { openPruning } from '../../../../durable-objects/account/log/pruning.ts';
import { TABLES } from '../../../../durable-objects/account/tables.ts';

const NOW = 1_800_000_000;
const SLICE = 10;
/** As in `pruning.ts`. */
const PAUSE = 2;
const HOUR = 3_600;

type Stored = { readonly id: string; readonly pruneAt: number | null; readonly seq: number };

/** The pruning of an account with these calls, and what it deleted and read. */
const accountOf = <T>(
  stored: readonly Stored[],
  work: (account: {
    readonly prune: ReturnType<typeof openPruning>;
    readonly add: (call: Stored) => void;
    readonly left: () => readonly string[];
    readonly read: () => number;
  }) => T,
): Promise<T> =>
  runInDurableObject(
    env.AGENT_ACCOUNT.get(env.AGENT_ACCOUNT.newUniqueId()),
    (_, { storage: { sql } }) => {
      let read = 0;
      const run = (query: string, ...bindings: SqlStorageValue[]): Row[] => {
        const cursor = sql.exec<Row>(query, ...bindings);
        const rows = cursor.toArray();
        read += cursor.rowsRead;
        return rows;
      };
      run(TABLES);
      const columns = sql
        .exec<{ name: string; type: string }>("SELECT name, type FROM pragma_table_info('calls')")
        .toArray();
      const add = ({ id, pruneAt, seq }: Stored): void => {
        const known = new Map<string, SqlStorageValue>([
          ['id', id],
          ['prune_at', pruneAt],
          ['last_seq', seq],
        ]);
        const values = columns.map(({ name, type }) => {
          const value = known.get(name);
          return value === undefined ? (type === 'TEXT' ? '' : 0) : value;
        });
        run(`INSERT INTO calls VALUES (${columns.map(() => '?').join(', ')})`, ...values);
      };
      for (const call of stored) add(call);
      read = 0;
      return work({
        prune: openPruning(run, () => undefined, SLICE),
        add,
        left: () =>
          sql
            .exec<{ id: string }>('SELECT id FROM calls ORDER BY id')
            .toArray()
            .map(({ id }) => id),
        read: () => read,
      });
    },
  );

const idOf = (number: number): string => `0x${number.toString(16).padStart(64, '0')}`;

const calls = (count: number, one: Omit<Stored, 'id'>, from = 0): readonly Stored[] =>
  Array.from({ length: count }, (_, at) => ({ ...one, id: idOf(from + at) }));

describe('pruning', () => {
  it('deletes of a small account at once what is over and exported, and says when the next goes', async () => {
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

  it('keeps what D1 does not have, and asks for it again after a while whatever else waits', async () => {
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

  it('does not look at a table again before something in it is due', async () => {
    await accountOf(calls(5, { pruneAt: NOW + 50, seq: 1 }), ({ prune, read }) => {
      expect(prune(NOW, 1, undefined)).toBe(NOW + 50);
      const before = read();
      expect(prune(NOW + 49, 1, NOW + 50)).toBe(NOW + 50);
      expect(prune(NOW + 49, 1, undefined)).toBeUndefined();
      expect(read()).toBe(before);
    });
  });

  it('walks a large account in shares, reads a few rows for each, and leaves nothing that is due', async () => {
    const many = 95;
    const stored = calls(many, { pruneAt: NOW, seq: 1 });
    await accountOf(
      [...stored, { id: idOf(999), pruneAt: NOW + 500, seq: 1 }],
      ({ prune, left, read }) => {
        let now = NOW;
        let due: number | undefined;
        for (let shares = 1; shares < 10; shares += 1) {
          const before = read();
          due = prune(now, 1, due);
          // Never more than the share, however often it is passed over, and what is deleted.
          expect(read() - before).toBeLessThanOrEqual(5 * SLICE);
          expect(due).toBe(now + PAUSE);
          now += PAUSE;
        }
        expect(left()).toHaveLength(many + 1 - 9 * SLICE);
        expect(prune(now, 1, due)).toBe(NOW + 500);
        expect(left()).toEqual([idOf(999)]);
      },
    );
  });

  it('comes back within an hour for what ended behind it, and from the start after its end', async () => {
    await accountOf(calls(15, { pruneAt: NOW + 90_000, seq: 1 }, 100), ({ prune, add, left }) => {
      expect(prune(NOW, 1, undefined)).toBe(NOW + PAUSE);
      add({ id: idOf(1), pruneAt: NOW + 6, seq: 1 });
      expect(prune(NOW + PAUSE, 1, NOW + PAUSE)).toBe(NOW + PAUSE + HOUR);
      const again = NOW + PAUSE + HOUR;
      expect(prune(again, 1, again)).toBe(again + PAUSE);
      expect(left()).not.toContain(idOf(1));
    });
  });

  it('does not walk on before its time when the alarm rings for something else', async () => {
    await accountOf(calls(95, { pruneAt: NOW, seq: 1 }), ({ prune, left, read }) => {
      const due = prune(NOW, 1, undefined);
      const before = read();
      for (let past = 1; past < PAUSE; past += 1) expect(prune(NOW + past, 1, due)).toBe(due);
      expect(read()).toBe(before);
      expect(prune(NOW + PAUSE, 1, due)).toBe(NOW + 2 * PAUSE);
      expect(left()).toHaveLength(95 - 2 * SLICE);
    });
  });

  it('has nothing to do where nothing will ever go', async () => {
    await accountOf(calls(3, { pruneAt: null, seq: 1 }), ({ prune }) => {
      expect(prune(NOW, 1, undefined)).toBeUndefined();
    });
  });
});
