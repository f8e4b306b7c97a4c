import { describe, expect, test, vi } from 'vitest';
import type { Difference } from '../../../../src/settlement/sweep/difference.ts';
import { saveFindings } from '../../../../src/settlement/sweep/difference-table.ts';
import { db } from '../../audit/database.ts';
import { answerHosts } from '../scripted-chain.ts';
import { differences, NETWORK, runs, site, sweeping, wellAfter } from './ledger.ts';
import { hashOf, nonce, timeOf } from './node.ts';
import {
  ALICE,
  DAY,
  HEAD,
  LAST,
  chainOf,
  cursor,
  kinds,
  payment,
  said,
  world,
  useReconcileWorld,
} from './reconcile-world.ts';

useReconcileWorld();

describe('a run', () => {
  test('finds nothing if both sides agree, and both sums are equal', async () => {
    for (let at = 0; at < 5; at += 1) await payment(at, at * 10, 'settled');
    const { run, looks, alerts } = sweeping();
    await run(wellAfter(LAST));
    expect(await differences(false)).toEqual([]);
    expect(await runs()).toEqual([
      {
        ...{ at: wellAfter(LAST), network: NETWORK, kind: 'new', state: 'complete' },
        ...{ from_block: 0, to_block: LAST, differences: 0 },
        ...{ chain_payments: 5, chain_amount: '10', ledger_payments: 5, ledger_amount: '10' },
      },
    ]);
    expect([...looks, ...alerts]).toEqual([]);
    expect(said).toContainEqual(
      expect.objectContaining({ event: 'reconciled', network: NETWORK, chain_amount: '10' }),
    );
  });

  test('compares no block that is not deep enough or younger than a quarter of an hour', async () => {
    await payment(1, LAST + 1);
    await payment(2, 30);
    const { run } = sweeping();
    // Block 29 is 15 minutes old, but block 30 is not.
    await run(timeOf(30) + 899);
    expect((await cursor())?.['next_block']).toBe(30);
    expect(await differences()).toEqual([]);
    await run(wellAfter(HEAD));
    expect((await cursor())?.['next_block']).toBe(LAST + 1);
    expect(await kinds()).toEqual(['unrecorded']);
    // If there are no new blocks, the run writes nothing.
    await run(wellAfter(HEAD) + 1);
    expect(await runs()).toHaveLength(2);
  });

  test('requires as many confirmations as a settlement, if those are more', async () => {
    await payment(1, 40);
    const { run } = sweeping({ sites: [site({ depth: 1, confirmations: 30 })] });
    await run(wellAfter(HEAD));
    expect((await cursor())?.['next_block']).toBe(HEAD - 29 + 1);
    expect(await differences()).toEqual([]);
  });

  test('begins as many days ago as configured', async () => {
    chainOf(100_000);
    const now = wellAfter(100_000);
    await sweeping().run(now);
    expect(world.node.windows[0]?.[0]).toBe(Math.floor((now - DAY - timeOf(0)) / 2) + 1);
  });

  test('halves a range that the node refuses, and doubles it again afterwards', async () => {
    world.node.state.maxRange = 9;
    const { run } = sweeping();
    await run(wellAfter(LAST));
    const sizes = world.node.windows.map(([from, to]) => to - from + 1);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(9);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(LAST + 1);
    // The ranges follow each other without gap or overlap.
    expect(world.node.windows.map(([from]) => from)).toEqual(
      sizes.map((_, at) => sizes.slice(0, at).reduce((sum, size) => sum + size, 0)),
    );
    world.node.state.head = 60_000;
    world.node.state.maxRange = Infinity;
    await run(wellAfter(60_000));
    expect(Math.max(...world.node.windows.map(([from, to]) => to - from + 1))).toBe(2_000);
  });

  test('stops after fifty windows, and the next run continues', async () => {
    chainOf(60_000);
    world.node.state.maxRange = 10;
    const { run } = sweeping({ sites: [site({ days: 30 })] });
    await run(wellAfter(60_000));
    const windows = world.node.windows.length;
    expect(windows).toBeLessThanOrEqual(50);
    expect((await runs()).map(({ state }) => state)).toEqual(['partial']);
    const next = (await cursor())?.['next_block'];
    await run(wellAfter(60_000) + 900);
    expect(world.node.windows[windows]?.[0]).toBe(next);
  });

  test('loses nothing and counts nothing twice when it is cut off anywhere', async () => {
    for (let at = 0; at < 10; at += 1)
      await payment(at, at * 5, at % 2 === 0 ? 'settled' : undefined);
    world.node.state.maxRange = 4;
    const { run } = sweeping();
    for (let at = 0; at < 30; at += 1) {
      world.node.state.answers = 5;
      await run(wellAfter(LAST) + at);
    }
    const seen = await runs();
    expect(seen.length).toBeGreaterThan(3);
    const paidAtAll = seen.reduce((sum, row) => sum + Number(row['chain_payments']), 0);
    expect(paidAtAll).toBe(10);
    expect(await differences()).toHaveLength(5);
  });

  test('writes nothing without a database, and the next run does all of it', async () => {
    await payment(1, 20);
    const batch = vi.spyOn(db, 'batch').mockRejectedValueOnce(new Error('D1 is overloaded'));
    const { run, looks } = sweeping();
    await run(wellAfter(LAST));
    expect(said).toContainEqual(
      expect.objectContaining({ event: 'reconcile_failed', network: NETWORK }),
    );
    expect(looks).toEqual([]);
    batch.mockRestore();
    expect(await cursor()).toBeNull();
    await run(wellAfter(LAST) + 900);
    expect(await kinds()).toEqual(['unrecorded']);
  });

  test('continues on one network if another does not answer', async () => {
    await payment(1, 20);
    const down = site({ network: 'eip155:8453', urls: ['https://down.test/'] });
    await sweeping({ sites: [down, site()] }).run(wellAfter(LAST));
    expect(await kinds()).toEqual(['unrecorded']);
  });

  test('stops at a refused block, and skips it after some hours, with an alert', async () => {
    await payment(1, 40, { state: 'open' });
    world.node.state.bad = 20;
    const { run, alerts } = sweeping();
    const now = wellAfter(LAST);
    await run(now);
    await run(now + 900);
    expect(await cursor()).toMatchObject({ next_block: 20, stuck_at: now });
    expect((await runs()).map(({ state }) => state)).toEqual(['stopped', 'stopped']);
    expect([...(await differences()), ...alerts]).toEqual([]);
    await run(now + 6 * 3_600);
    expect(await cursor()).toMatchObject({ next_block: LAST + 1, stuck_at: now });
    expect(alerts.map(({ detail }) => detail)).toEqual([
      { network: NETWORK, kind: 'unreadable', block: 20 },
      expect.objectContaining({ kind: 'unrecorded', block: 40 }),
    ]);
    expect((await runs()).at(-1)).toMatchObject({ state: 'partial' });
  });

  test('waits once for many refused blocks, and again a day later', async () => {
    world.node.state.bad = 20;
    const { run } = sweeping();
    const now = wellAfter(LAST);
    const later = now + 6 * 3_600;
    await run(now);
    await run(later);
    const grow = (at: number) => {
      world.node.state.head = Math.floor((at - timeOf(0)) / 2);
    };
    // An hour later, the run skips another bad block at once.
    world.node.state.bad = 60;
    grow(later + 3_600);
    await run(later + 3_600);
    expect(Number((await cursor())?.['next_block'])).toBeGreaterThan(1_000);
    // A day later, the run waits for a bad block again.
    const next = later + DAY + 3_600;
    world.node.state.bad = Number((await cursor())?.['next_block']) + 50;
    grow(next);
    await run(next);
    expect(await cursor()).toMatchObject({ next_block: world.node.state.bad, stuck_at: next });
  });

  test('keeps the wait for new blocks running while the last days are compared again', async () => {
    const { run } = sweeping();
    const now = wellAfter(LAST);
    await run(now);
    world.node.state.bad = 55;
    world.node.state.head = 120;
    const next = (Math.floor(now / DAY) + 1) * DAY;
    await run(next - 900);
    expect(await cursor()).toMatchObject({ next_block: 55, stuck_at: next - 900 });
    await run(next);
    expect((await runs()).at(-2)).toMatchObject({ kind: 'again', state: 'complete' });
    expect(await cursor()).toMatchObject({ next_block: 55, stuck_at: next - 900 });
  });

  test.each([
    ['is busy', () => new Response('{}', { status: 429 })],
    ['answers an HTML page', () => new Response('<html>')],
    ['answers no batch', () => Response.json({ error: 'busy' })],
  ])('skips no block of a node that %s', async (_, busy) => {
    const { run } = sweeping();
    const now = wellAfter(LAST);
    await run(now);
    const { respond } = world.node;
    answerHosts({
      'node.test': (body) =>
        JSON.stringify(body).includes('eth_getLogs') ? busy() : respond(body),
    });
    await run((Math.floor(now / DAY) + 1) * DAY);
    expect((await runs()).at(-1)).toMatchObject({ kind: 'again', state: 'stopped', to_block: 0 });
    expect(Number((await cursor())?.['again_next'])).toBe(0);
  });

  test.each([
    ['is busy', () => new Response('{}', { status: 429 })],
    ['finds a block too large for its proxy', () => new Response('', { status: 413 })],
  ])('raises an alert a day while a node that %s blocks it for hours', async (_, busy) => {
    const { respond } = world.node;
    answerHosts({
      'node.test': (body) =>
        JSON.stringify(body).includes('eth_getLogs') ? busy() : respond(body),
    });
    const { run, alerts } = sweeping();
    const at = async (now: number): Promise<void> => {
      world.node.state.head = Math.floor((now - timeOf(0)) / 2);
      await run(now);
    };
    const old = timeOf(0) + 6 * 3_600;
    for (const now of [wellAfter(LAST), old - 1]) await at(now);
    expect(alerts).toEqual([]);
    for (const now of [old, old + 900, old + 1_800]) await at(now);
    const day = Math.floor(old / DAY) * DAY;
    const behind = { network: NETWORK, kind: 'behind', block: 0, at: day };
    expect(alerts.map(({ detail }) => detail)).toEqual([behind]);
    for (const now of [day + DAY, day + DAY + 900]) await at(now);
    expect(alerts.map(({ detail }) => detail)).toEqual([behind, { ...behind, at: day + DAY }]);
    expect(await cursor()).toMatchObject({ next_block: 0 });
  });

  test('raises that alert also after a successful run of the same day, and repeats it until it was taken', async () => {
    const alerts: unknown[] = [];
    let hears = false;
    const { run } = sweeping({
      raise: async ({ detail }) => {
        alerts.push(detail);
        return hears;
      },
    });
    const { respond } = world.node;
    const at = async (now: number): Promise<void> => {
      world.node.state.head = Math.floor((now - timeOf(0)) / 2);
      await run(now);
    };
    // Start at midnight, so that all runs are on one day.
    const day = (Math.floor(timeOf(0) / DAY) + 1) * DAY;
    await at(day);
    const next = Number((await cursor())?.['next_block']);
    answerHosts({
      'node.test': (body) =>
        JSON.stringify(body).includes('eth_getLogs')
          ? new Response('', { status: 413 })
          : respond(body),
    });
    const old = Math.max(day + 900, timeOf(next) + 6 * 3_600);
    await at(old);
    await at(old + 900);
    expect(alerts).toHaveLength(2);
    hears = true;
    for (const late of [1_800, 2_700, 3_600]) await at(old + late);
    expect(alerts).toHaveLength(3);
    expect(alerts[2]).toEqual({ network: NETWORK, kind: 'behind', block: next, at: day });
  });

  test('skips a block of the last days at once if it is too large, and is not complete', async () => {
    const { run } = sweeping();
    const now = wellAfter(LAST);
    await run(now);
    world.node.state.bad = 20;
    world.node.state.head = LAST + 5;
    await run((Math.floor(now / DAY) + 1) * DAY);
    const [again] = (await runs()).filter(({ kind }) => kind === 'again');
    expect(again).toMatchObject({ state: 'partial' });
    expect(await cursor()).toMatchObject({ again_next: null });
  });

  test('stores thousands of differences of one window, in statements that D1 accepts', async () => {
    const many = Array.from({ length: 2_500 }, (_, at): Difference => ({
      ...{ network: NETWORK, subject: nonce(at), kind: 'unrecorded', informational: false },
      ...{ account: `${NETWORK}:${ALICE}`, call: nonce(at), transaction: hashOf(10, at) },
      ...{ block: 10, chain: 2n, ledger: 'open' },
    }));
    const seen = { differences: many, undecided: [] };
    const statements = saveFindings(db, NETWORK, { from: 0, to: LAST }, seen, 1);
    // Three statements of at most a thousand rows, and one that resolves other differences.
    expect(statements).toHaveLength(4);
    await db.batch([...statements]);
    expect(await differences()).toHaveLength(2_500);
  });
});
