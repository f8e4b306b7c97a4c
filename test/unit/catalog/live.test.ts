import { beforeEach, describe, expect, it, vi } from 'vitest';
import { findStored } from '../../../src/catalog/catalogue.ts';
import { type LiveCatalogue, openCatalogue } from '../../../src/catalog/live.ts';
import { findTool } from '../../../src/catalog/route.ts';
import { putTool } from '../../../src/catalog/store.ts';
import { db, freshDatabase } from '../audit/database.ts';
import { documentOf, putOf, removalOf, startOf } from './documents.ts';
import { watchedDatabase } from './watched.ts';

const START = startOf([documentOf('a'), documentOf('b')]);
const NOW = 1_800_000_000;

beforeEach(async () => {
  await freshDatabase();
  vi.restoreAllMocks();
  vi.spyOn(console, 'error').mockImplementation(() => undefined);
});

const put = (seq: number, id: string, price: string) =>
  putTool(db, putOf(seq, documentOf(id, { price })));

/** An isolate: what it sells a tool for at a time, and what it still does behind its requests. */
const isolate = (watched = watchedDatabase()) => {
  const live = openCatalogue(watched.db, START);
  const behind: Promise<unknown>[] = [];
  return {
    ...watched,
    live,
    behind,
    price: async (now: number, id = 'a') => priceOf(live, now, id, behind),
    settle: async () => {
      await Promise.all(behind.splice(0));
    },
  };
};
const priceOf = async (
  live: LiveCatalogue,
  now: number,
  id: string,
  behind: Promise<unknown>[],
) => {
  const sold = await live.current(now, (promise) => behind.push(promise));
  if (!sold.ok) return sold.error.reason;
  const route = findTool(sold.value.routes, 'GET', `/tools/${id}`);
  return route.route === 'tool' ? route.tool.price : route.route;
};

describe('the catalogue of an isolate', () => {
  it('is read before the first request is served, and not again while it is younger than 2 s', async () => {
    const { price, queries, behind } = isolate();
    await put(1, 'a', '$2');
    expect(await price(NOW)).toBe(2_000_000n);
    expect(await price(NOW, 'b')).toBe(1_000n);
    expect(await price(NOW + 1)).toBe(2_000_000n);
    expect([queries(), behind.length]).toEqual([1, 0]);
  });

  it('is read behind a request from 2 s on: no request waits, and one read is enough', async () => {
    const { price, queries, behind, settle, holdBack } = isolate();
    expect(await price(NOW)).toBe(1_000n);
    await put(1, 'a', '$2');
    const answer = holdBack();
    for (const at of [2, 2, 3, 4]) expect(await price(NOW + at)).toBe(1_000n);
    expect([queries(), behind.length]).toEqual([2, 1]);
    answer();
    await settle();
    expect(await price(NOW + 4)).toBe(2_000_000n);
    // As old as when that read began, not as when it was answered.
    expect([queries(), behind.length]).toEqual([3, 1]);
  });

  it('is waited for from 5 s on', async () => {
    const { price, queries, behind } = isolate();
    expect(await price(NOW)).toBe(1_000n);
    await put(1, 'a', '$2');
    expect(await price(NOW + 5)).toBe(2_000_000n);
    expect([queries(), behind.length]).toEqual([2, 0]);
  });

  it('shows a change on every isolate within 5 s, whichever of them made it', async () => {
    const [one, other] = [isolate(), isolate()];
    expect([await one.price(NOW), await other.price(NOW)]).toEqual([1_000n, 1_000n]);
    await put(1, 'a', '$2');
    expect(await one.live.fresh(NOW)).toMatchObject({ ok: true });
    expect([await one.price(NOW), await other.price(NOW)]).toEqual([2_000_000n, 1_000n]);
    // It serves on meanwhile; what it read behind its requests is there for the next.
    expect(await other.price(NOW + 2)).toBe(1_000n);
    await other.settle();
    expect(await other.price(NOW + 3)).toBe(2_000_000n);
    await putTool(db, removalOf(2, 'a'));
    expect([await one.price(NOW + 8), await other.price(NOW + 8)]).toEqual([
      'not_found',
      'not_found',
    ]);
    await put(3, 'a', '$3');
    expect([await one.price(NOW + 13), await other.price(NOW + 13)]).toEqual([
      3_000_000n,
      3_000_000n,
    ]);
  });

  it('lets nobody wait for the read of another request, and for one that never ends', async () => {
    const { price, queries, behind, holdBack, letPass } = isolate();
    expect(await price(NOW)).toBe(1_000n);
    holdBack();
    // Its request is stopped: what it reads is never answered.
    expect(await price(NOW + 2)).toBe(1_000n);
    void price(NOW + 5);
    await Promise.resolve();
    letPass();
    await put(1, 'a', '$2');
    expect(await price(NOW + 5)).toBe(2_000_000n);
    expect(await price(NOW + 7)).toBe(2_000_000n);
    expect([queries(), behind.length]).toEqual([5, 2]);
  });

  it('is not set back by an answer that comes late', async () => {
    const { live, price, holdBack, letPass } = isolate();
    await put(1, 'a', '$1');
    const answer = holdBack();
    const late = live.fresh(NOW);
    await vi.waitFor(async () => expect(await priceIn(db)).toBe('$1'));
    letPass();
    await put(2, 'a', '$2');
    expect(await price(NOW)).toBe(2_000_000n);
    answer();
    expect(findStored(valueOf(await late), 'a')?.document).toMatchObject({ price: '$2' });
    expect(await price(NOW + 1)).toBe(2_000_000n);
  });

  it('parses again only what has changed, and nothing for the requests that came together', async () => {
    for (let seq = 1; seq <= 20; seq += 1) await put(seq, `t${seq}`, '$1');
    const parses = vi.spyOn(JSON, 'parse');
    const { live, queries } = isolate();
    const read = () => live.current(NOW, () => undefined);
    const all = await Promise.all(Array.from({ length: 30 }, read));
    expect(queries()).toBe(30);
    expect(new Set(all.map(valueOf)).size).toBe(1);
    const documents = () => parses.mock.calls.filter(([text]) => text.startsWith('{"id":"')).length;
    expect(documents()).toBe(20);
    await put(21, 't7', '$2');
    const changed = valueOf(await live.fresh(NOW));
    expect(documents()).toBe(21);
    expect(findStored(changed, 't7')?.tool?.price).toBe(2_000_000n);
    expect(valueOf(await live.fresh(NOW))).toBe(changed);
  });

  it('follows a database that was restored to an earlier time', async () => {
    const { live, price } = isolate();
    await put(1, 'b', '$1');
    await put(2, 'a', '$2');
    expect(await price(NOW)).toBe(2_000_000n);
    await db.prepare("DELETE FROM tools WHERE id = 'a'").run();
    expect(await live.fresh(NOW)).toMatchObject({ ok: true });
    expect([await price(NOW), await price(NOW, 'b')]).toEqual([1_000n, 1_000_000n]);
    await db.prepare('DELETE FROM tools').run();
    expect([await price(NOW + 5), await price(NOW + 5, 'b')]).toEqual([1_000n, 1_000n]);
  });
});

describe('a database that does not answer', () => {
  it('is bridged for less than 60 s by what was read last, and then nothing is sold', async () => {
    const { price, breakDown, recover } = isolate();
    await put(1, 'a', '$2');
    expect(await price(NOW)).toBe(2_000_000n);
    breakDown();
    for (const at of [5, 30, 59]) expect(await price(NOW + at)).toBe(2_000_000n);
    expect(await price(NOW + 60)).toBe('storage_unavailable');
    recover();
    expect(await price(NOW + 62)).toBe(2_000_000n);
  });

  it('sells nothing that may since have been removed, where it never answered', async () => {
    const { live, price, breakDown } = isolate();
    breakDown();
    expect(await price(NOW)).toBe('storage_unavailable');
    expect(await live.fresh(NOW)).toEqual({ ok: false, error: { reason: 'storage_unavailable' } });
  });

  it('does not let somebody change what he has not seen', async () => {
    const { live, price, breakDown } = isolate();
    expect(await price(NOW)).toBe(1_000n);
    breakDown();
    expect((await live.fresh(NOW)).ok).toBe(false);
  });

  it('is not asked again by every request, and makes none fail that need not wait', async () => {
    const { price, queries, settle, breakDown } = isolate();
    expect(await price(NOW)).toBe(1_000n);
    breakDown();
    expect(await price(NOW + 2)).toBe(1_000n);
    await settle();
    for (const at of [3, 3, 3, 4]) expect(await price(NOW + at)).toBe(1_000n);
    await settle();
    expect(queries()).toBe(3);
    for (let count = 0; count < 10; count += 1) expect(await price(NOW + 7)).toBe(1_000n);
    expect(queries()).toBe(4);
  });
});

const valueOf = <T>(result: { ok: true; value: T } | { ok: false; error: unknown }): T => {
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
};
const priceIn = async (database: D1Database) =>
  (await database.prepare("SELECT document ->> 'price' AS price FROM tools").first('price')) ?? '';
