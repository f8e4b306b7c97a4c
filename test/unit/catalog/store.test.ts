import { beforeEach, describe, expect, it } from 'vitest';
import type { Entry } from '../../../src/audit/entry.ts';
import { projectTool, putTool, readChanges, type ToolRow } from '../../../src/catalog/store.ts';
import { db, freshDatabase } from '../audit/database.ts';
import { documentOf, GATEWAY, putOf, removalOf } from './documents.ts';
import { watchedDatabase } from './watched.ts';

beforeEach(freshDatabase);

const put = async (...rows: readonly ToolRow[]) => {
  for (const row of rows) await putTool(db, row);
};
const stored = async () =>
  (
    await db
      .prepare("SELECT id, document ->> 'price' AS price, seq, version FROM tools ORDER BY id")
      .all()
  ).results;
const a = (price: string) => documentOf('a', { price });

describe('putTool', () => {
  it('puts, replaces, removes and puts again', async () => {
    await put(putOf(1, a('$1')), putOf(2, a('$2')));
    expect(await stored()).toEqual([{ id: 'a', price: '$2', seq: 2, version: 2 }]);
    await put(removalOf(3, 'a'));
    expect(await stored()).toEqual([{ id: 'a', price: null, seq: 3, version: 3 }]);
    await put(putOf(4, a('$4')));
    expect(await stored()).toEqual([{ id: 'a', price: '$4', seq: 4, version: 4 }]);
  });

  it('lets nothing older undo what is there, and counts nothing that changes nothing', async () => {
    await put(putOf(5, a('$5')), putOf(4, a('$4')), removalOf(3, 'a'), putOf(5, a('$5')));
    expect(await stored()).toEqual([{ id: 'a', price: '$5', seq: 5, version: 1 }]);
    await put(removalOf(6, 'a'), putOf(5, a('$5')));
    expect(await stored()).toEqual([{ id: 'a', price: null, seq: 6, version: 2 }]);
  });

  it('believes a later account whose chain begins anew, and no message of the one before', async () => {
    const other = { account: 'eip155:8453:0x2222222222222222222222222222222222222222' } as const;
    await put(putOf(500, a('$1'), { at: 2_000 }), putOf(1, a('$2'), { ...other, at: 3_000 }));
    expect(await stored()).toEqual([{ id: 'a', price: '$2', seq: 1, version: 2 }]);
    await put(putOf(499, a('$3'), { at: 1_999 }), putOf(2, a('$4'), { ...other, at: 3_000 }));
    expect(await stored()).toEqual([{ id: 'a', price: '$4', seq: 2, version: 3 }]);
  });

  it('writes the row and its index, and nothing the second time', async () => {
    const { db: watched, asked } = watchedDatabase();
    for (const row of [putOf(1, a('$1')), putOf(1, a('$1')), putOf(2, a('$2'))]) {
      await putTool(watched, row);
    }
    expect(asked.map(({ rows_written }) => rows_written)).toEqual([2, 0, 2]);
  });
});

describe('readChanges', () => {
  it('gives what has changed since, and how far it has read', async () => {
    expect(await readChanges(db, 0)).toEqual({ top: 0, rows: [] });
    await put(putOf(1, a('$1')), putOf(2, documentOf('b')));
    const all = await readChanges(db, 0);
    expect(all.top).toBe(2);
    expect(all.rows.map(({ id }) => id)).toEqual(['a', 'b']);
    expect(JSON.parse(all.rows[0]?.document ?? '')).toEqual(a('$1'));
    await put(removalOf(3, 'a'));
    expect(await readChanges(db, 2)).toEqual({
      top: 3,
      rows: [{ id: 'a', document: null, hash: null }],
    });
    expect(await readChanges(db, 3)).toEqual({ top: 3, rows: [] });
  });

  it('misses nothing that comes in another order than it was decided in', async () => {
    await put(putOf(11, documentOf('b')));
    const { top } = await readChanges(db, 0);
    // The queue brings an earlier entry late: the one after it was read before.
    await put(putOf(10, a('$1')));
    expect((await readChanges(db, top)).rows.map(({ id }) => id)).toEqual(['a']);
  });

  it('gives everything where the table is older than what is known of it', async () => {
    await put(putOf(1, a('$1')), putOf(2, documentOf('b')));
    expect(await readChanges(db, 9)).toMatchObject({ top: 2, rows: [{ id: 'a' }, { id: 'b' }] });
  });

  it('looks at no more where nothing has changed, however many there are', async () => {
    for (let seq = 1; seq <= 50; seq += 1) await put(putOf(seq, documentOf(`t${seq}`)));
    const { db: watched, asked } = watchedDatabase();
    expect(await readChanges(watched, 50)).toEqual({ top: 50, rows: [] });
    expect((await readChanges(watched, 49)).rows).toHaveLength(1);
    expect(asked.map(({ rows_read }) => rows_read)).toEqual([2, 2]);
  });
});

describe('projectTool', () => {
  const entryOf = (seq: number, more: Partial<Entry>): Entry => ({
    v: 1,
    type: 'tool.put',
    seq,
    account: GATEWAY,
    prev: `0x${'00'.repeat(32)}`,
    salt: `0x${'00'.repeat(16)}`,
    at: 1_000 + seq,
    ...more,
  });
  const putting = (seq: number, price: string): Entry => {
    const { document, hash } = putOf(seq, a(price));
    return entryOf(seq, { outcome: { name: 'a', hash }, evidence: { document } });
  };
  const removing = (seq: number): Entry =>
    entryOf(seq, { type: 'tool.removed', outcome: { name: 'a' } });
  const project = async (...entries: readonly Entry[]) => {
    for (const entry of entries) await db.batch(projectTool(db, entry));
  };

  it('writes the row that its order has written, which then changes nothing', async () => {
    await put(putOf(1, a('$1')));
    const before = (await db.prepare('SELECT * FROM tools').all()).results;
    await project(putting(1, '$1'));
    expect((await db.prepare('SELECT * FROM tools').all()).results).toEqual(before);
    await freshDatabase();
    await project(putting(1, '$1'));
    expect((await db.prepare('SELECT * FROM tools').all()).results).toEqual(before);
  });

  it('repairs what was never written, in whatever order entries come', async () => {
    await project(putting(3, '$3'), removing(2), putting(1, '$1'));
    expect(await stored()).toEqual([{ id: 'a', price: '$3', seq: 3, version: 1 }]);
    await project(removing(4), putting(3, '$3'));
    expect(await stored()).toEqual([{ id: 'a', price: null, seq: 4, version: 2 }]);
  });

  it('makes nothing of other entries', () => {
    const { outcome, evidence } = putting(1, '$1');
    for (const entry of [
      entryOf(1, { type: 'webhook.put', outcome, evidence } as Partial<Entry>),
      entryOf(1, { type: 'account.policy' }),
      entryOf(1, { outcome: { name: 'a' } }),
    ]) {
      expect(projectTool(db, entry)).toEqual([]);
    }
  });
});
