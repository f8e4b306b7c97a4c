import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Hex } from '../../../../src/core/hex.ts';
import { BY_KEY, BY_TIME } from '../../../../src/settlement/sweep/ledger.ts';
import type { Difference } from '../../../../src/settlement/sweep/difference.ts';
import { saveFindings } from '../../../../src/settlement/sweep/difference-table.ts';
import { db, freshDatabase } from '../../audit/database.ts';
import { answerHosts } from '../scripted.ts';
import {
  differences,
  emptyTables,
  enter,
  type LedgerFate,
  NETWORK,
  runs,
  site,
  sweeping,
  wellAfter,
} from './ledger.ts';
import {
  hashOf,
  nonce,
  OTHER,
  paid,
  PAY_TO,
  payer,
  type ScriptedNode,
  scriptNode,
  timeOf,
  transfer,
} from './node.ts';

const HEAD = 60;
const LAST = HEAD - 10;
const DAY = 86_400;
const ALICE = payer(1);

let node: ScriptedNode;
/** Logged events. */
const said: unknown[] = [];

const chainOf = (head: number): ScriptedNode => {
  node = scriptNode(head);
  answerHosts({ 'node.test': node.respond });
  return node;
};

/** A payment that the chain has in a block, and the ledger as the argument says. */
const payment = async (
  seed: number,
  block: number,
  fate?: LedgerFate | 'settled',
): Promise<Hex> => {
  const transaction = hashOf(block, seed);
  node.mine(block, transaction, paid(ALICE, nonce(seed), 2n));
  const known =
    fate === 'settled' ? ({ state: 'settled', amount: 2n, block, transaction } as const) : fate;
  if (known !== undefined) await enter(ALICE, nonce(seed), timeOf(block) - 3, known);
  return transaction;
};

/** The effect of the account's recheck: its entry settles the payment in D1. */
const settle = async (seed: number, block: number, transaction: Hex): Promise<void> => {
  await db.batch([
    db.prepare('DELETE FROM payments WHERE call = ?1').bind(nonce(seed)),
    db
      .prepare(
        `INSERT INTO payments (account, call, state, amount, credited, transaction_hash, block, at, seq)
         SELECT account, call, 'settled', 2, 2, ?2, ?3, 1, 9 FROM calls WHERE call = ?1`,
      )
      .bind(nonce(seed), transaction, block),
  ]);
};

const cursor = () =>
  db.prepare('SELECT * FROM sweeps').first<Readonly<Record<string, number | null>>>();

const kinds = async (): Promise<readonly unknown[]> =>
  (await differences()).map(({ kind }) => kind);

beforeAll(freshDatabase);
beforeEach(async () => {
  await emptyTables();
  said.length = 0;
  for (const level of ['log', 'warn', 'error'] as const) {
    vi.spyOn(console, level).mockImplementation((event) => {
      said.push(event);
    });
  }
  chainOf(HEAD);
});
afterAll(emptyTables);
afterEach(() => {
  vi.restoreAllMocks();
});

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
    // Block 29 is 15 minutes old, block 30 is not.
    await run(timeOf(30) + 899);
    expect((await cursor())?.['next_block']).toBe(30);
    expect(await differences()).toEqual([]);
    await run(wellAfter(HEAD));
    expect((await cursor())?.['next_block']).toBe(LAST + 1);
    expect(await kinds()).toEqual(['unrecorded']);
    // Without new blocks nothing is written.
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
    expect(node.windows[0]?.[0]).toBe(Math.floor((now - DAY - timeOf(0)) / 2) + 1);
  });

  test('halves a range that the node refuses, and doubles it again afterwards', async () => {
    node.state.maxRange = 9;
    const { run } = sweeping();
    await run(wellAfter(LAST));
    const sizes = node.windows.map(([from, to]) => to - from + 1);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(9);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(LAST + 1);
    // Consecutive ranges, without gap or overlap.
    expect(node.windows.map(([from]) => from)).toEqual(
      sizes.map((_, at) => sizes.slice(0, at).reduce((sum, size) => sum + size, 0)),
    );
    node.state.head = 60_000;
    node.state.maxRange = Infinity;
    await run(wellAfter(60_000));
    expect(Math.max(...node.windows.map(([from, to]) => to - from + 1))).toBe(2_000);
  });

  test('stops after fifty windows, and the next run continues', async () => {
    chainOf(60_000);
    node.state.maxRange = 10;
    const { run } = sweeping({ sites: [site({ days: 30 })] });
    await run(wellAfter(60_000));
    const asked = node.windows.length;
    expect(asked).toBeLessThanOrEqual(50);
    expect((await runs()).map(({ state }) => state)).toEqual(['partial']);
    const next = (await cursor())?.['next_block'];
    await run(wellAfter(60_000) + 900);
    expect(node.windows[asked]?.[0]).toBe(next);
  });

  test('loses nothing and counts nothing twice when it is cut off anywhere', async () => {
    for (let at = 0; at < 10; at += 1)
      await payment(at, at * 5, at % 2 === 0 ? 'settled' : undefined);
    node.state.maxRange = 4;
    const { run } = sweeping();
    for (let at = 0; at < 30; at += 1) {
      node.state.answers = 5;
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
    node.state.bad = 20;
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
    node.state.bad = 20;
    const { run } = sweeping();
    const now = wellAfter(LAST);
    const later = now + 6 * 3_600;
    await run(now);
    await run(later);
    const grow = (at: number) => {
      node.state.head = Math.floor((at - timeOf(0)) / 2);
    };
    // Another block, an hour later, is skipped at once.
    node.state.bad = 60;
    grow(later + 3_600);
    await run(later + 3_600);
    expect(Number((await cursor())?.['next_block'])).toBeGreaterThan(1_000);
    // A day later the wait starts anew.
    const next = later + DAY + 3_600;
    node.state.bad = Number((await cursor())?.['next_block']) + 50;
    grow(next);
    await run(next);
    expect(await cursor()).toMatchObject({ next_block: node.state.bad, stuck_at: next });
  });

  test('keeps the wait for new blocks running while the last days are compared again', async () => {
    const { run } = sweeping();
    const now = wellAfter(LAST);
    await run(now);
    node.state.bad = 55;
    node.state.head = 120;
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
    const { respond } = node;
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
    const { respond } = node;
    answerHosts({
      'node.test': (body) =>
        JSON.stringify(body).includes('eth_getLogs') ? busy() : respond(body),
    });
    const { run, alerts } = sweeping();
    const at = async (now: number): Promise<void> => {
      node.state.head = Math.floor((now - timeOf(0)) / 2);
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
    const { respond } = node;
    const at = async (now: number): Promise<void> => {
      node.state.head = Math.floor((now - timeOf(0)) / 2);
      await run(now);
    };
    // From midnight, so that all runs are on one day.
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
    node.state.bad = 20;
    node.state.head = LAST + 5;
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
    // Three statements of at most a thousand rows, and the one that resolves others.
    expect(statements).toHaveLength(4);
    await db.batch([...statements]);
    expect(await differences()).toHaveLength(2_500);
  });
});

describe('a difference', () => {
  test('of each kind has both sides', async () => {
    const moved = await payment(1, 10, { state: 'released', amount: 2n });
    const other = await payment(2, 12, {
      ...{ state: 'settled', amount: 3n, block: 12, transaction: hashOf(12, 2) },
    });
    await payment(3, 14, { state: 'settled', amount: 2n, block: 16, transaction: hashOf(14, 3) });
    await enter(ALICE, nonce(4), timeOf(18), {
      ...{ state: 'settled', amount: 7n, block: 20, transaction: hashOf(20, 4) },
    });
    node.mine(22, hashOf(22, 5), [transfer(OTHER, PAY_TO, 5n)]);
    await payment(6, 24);
    const { run } = sweeping();
    await run(wellAfter(LAST));
    const account = `${NETWORK}:${ALICE}`;
    expect(await differences()).toMatchObject([
      {
        ...{ kind: 'unrecorded', informational: 0, account, call: nonce(1), block: 10 },
        ...{ chain_amount: '2', ledger: 'released', transaction_hash: moved },
      },
      {
        ...{ kind: 'amount', informational: 0, chain_amount: '2', ledger: 'settled' },
        ...{ ledger_amount: '3', ledger_transaction: other, ledger_block: 12 },
      },
      { kind: 'moved', informational: 1, block: 14, ledger_block: 16, chain_amount: '2' },
      {
        ...{ kind: 'missing', informational: 0, block: 20, chain_amount: null },
        ...{ ledger: 'settled', ledger_amount: '7', transaction_hash: null },
      },
      {
        ...{ kind: 'unsolicited', informational: 1, account: `${NETWORK}:${OTHER}`, call: null },
        ...{ subject: `${hashOf(22, 5)}:0`, log: 0, chain_amount: '5', ledger: 'absent' },
      },
      { kind: 'unrecorded', informational: 1, call: nonce(6), ledger: 'absent' },
    ]);
  });

  test('raises one alert, and another when it returns; an informational one raises none', async () => {
    const transaction = await payment(1, 10, { state: 'released', amount: 2n });
    await payment(2, 12);
    const { run, alerts } = sweeping({ sites: [site({ days: 3 })] });
    const now = wellAfter(LAST);
    await run(now);
    await run(now + 900);
    await run(now + DAY);
    expect(alerts).toEqual([
      {
        rule: 'reconciliation',
        detail: {
          ...{ network: NETWORK, kind: 'unrecorded', account: `${NETWORK}:${ALICE}`, block: 10 },
          ...{ ledger: 'released', chain: '2', call: nonce(1), transaction },
        },
      },
    ]);
    await settle(1, 10, transaction);
    await run(now + DAY + 900);
    expect(await kinds()).toEqual(['unrecorded']);
    await db.prepare("UPDATE payments SET state = 'failed'").run();
    await run(now + 2 * DAY);
    expect(alerts).toHaveLength(2);
  });

  test('whose alert could not be raised is alerted by the next run', async () => {
    await payment(1, 10, { state: 'open' });
    const raise = vi.fn<(alert: object) => Promise<boolean>>().mockResolvedValueOnce(false);
    raise.mockResolvedValue(true);
    const { run } = sweeping({ raise });
    await run(wellAfter(LAST));
    await run(wellAfter(LAST) + 900);
    await run(wellAfter(LAST) + 1_800);
    expect(raise).toHaveBeenCalledTimes(2);
  });

  test('among many raises single alerts for some and one for the rest', async () => {
    for (let at = 0; at < 25; at += 1) await payment(at, at, { state: 'open' });
    const { run, alerts } = sweeping();
    await run(wellAfter(LAST));
    expect(alerts).toHaveLength(11);
    expect(alerts.at(-1)?.detail).toMatchObject({ kind: 'more', differences: 15 });
    await run(wellAfter(LAST) + 900);
    expect(alerts).toHaveLength(11);
  });

  test('makes the account recheck in each run, until the ledger agrees with the chain', async () => {
    const transaction = await payment(1, 10, { state: 'released', amount: 2n });
    await payment(2, 10, { state: 'open' });
    await payment(3, 11);
    const { run, looks } = sweeping();
    const now = wellAfter(LAST);
    await run(now);
    const account = `${NETWORK}:${ALICE}`;
    expect(looks).toEqual([{ account, calls: [nonce(1), nonce(2)] }]);
    await settle(1, 10, transaction);
    await run(now + 900);
    expect(looks.slice(1)).toEqual([{ account, calls: [nonce(2)] }]);
    expect(await differences(false)).toMatchObject([
      { call: nonce(1), resolved_at: now + 900, first_at: now },
      { call: nonce(2), resolved_at: null },
      { call: nonce(3), resolved_at: null },
    ]);
    await settle(2, 10, hashOf(10, 2));
    await run(now + 1_800);
    expect(looks).toHaveLength(2);
    expect(await kinds()).toEqual(['unrecorded']);
  });

  test('is rechecked although another account does not answer', async () => {
    await payment(1, 10, { state: 'open' });
    const { run, alerts } = sweeping({
      account: () => ({
        recheck: async () => {
          throw new Error('overloaded');
        },
      }),
    });
    await run(wellAfter(LAST));
    expect(alerts).toHaveLength(1);
    expect(await runs()).toMatchObject([{ state: 'complete', differences: 1 }]);
  });

  test('of an earlier run is alerted before any request', async () => {
    await payment(1, 10, { state: 'open' });
    const told: number[] = [];
    const raise = vi.fn<(alert: object) => Promise<boolean>>(async () => {
      told.push(node.windows.length);
      return told.length > 1;
    });
    const { run } = sweeping({ raise });
    await run(wellAfter(LAST));
    const before = node.windows.length;
    await run(wellAfter(LAST) + 900);
    expect(told).toEqual([before, before]);
  });

  test('in a block that is always refused does not delay others', async () => {
    for (let at = 0; at < 21; at += 1) await payment(at, at, { state: 'open' });
    const { run, looks } = sweeping();
    const now = wellAfter(LAST);
    await run(now);
    const { respond } = node;
    // The node no longer returns the first twenty blocks.
    answerHosts({
      'node.test': (body) => {
        const asked = JSON.stringify(body);
        const last = /"fromBlock":"0x14","toBlock":"0x14"/.test(asked);
        return asked.includes('eth_getLogs') && !last
          ? new Response('', { status: 429 })
          : respond(body);
      },
    });
    looks.length = 0;
    await run(now + 900);
    expect(looks).toEqual([]);
    await run(now + 1_800);
    expect(looks.flatMap(({ calls }) => calls)).toContain(nonce(20));
  });

  test('that no recheck can resolve is not rechecked', async () => {
    await payment(1, 10, {
      ...{ state: 'settled', amount: 3n, block: 10, transaction: hashOf(10, 1) },
    });
    await payment(2, 12, { state: 'settled', amount: 2n, block: 12, transaction: hashOf(9, 9) });
    const { run } = sweeping();
    await run(wellAfter(LAST));
    expect(await kinds()).toEqual(['amount', 'moved']);
    const before = node.windows.length;
    await run(wellAfter(LAST) + 10);
    // Five new blocks, and no old block.
    expect(node.windows.slice(before).every(([from]) => from > 12)).toBe(true);
  });

  test('by dust is stored a hundred times, and counted', async () => {
    for (let at = 0; at < 130; at += 1) {
      node.mine(20, hashOf(20, at), [transfer(OTHER, PAY_TO, 1n)]);
    }
    await payment(1, 20, { state: 'open' });
    const { run } = sweeping();
    await run(wellAfter(LAST));
    expect(await differences()).toHaveLength(101);
    expect(await runs()).toMatchObject([{ differences: 131 }]);
  });

  test('does not exist if the money went to the receiver of that time', async () => {
    const transaction = hashOf(20, 1);
    node.mine(20, transaction, paid(ALICE, nonce(1), 2n, OTHER));
    await enter(
      ALICE,
      nonce(1),
      timeOf(19),
      { state: 'settled', amount: 2n, block: 20, transaction },
      OTHER,
    );
    await sweeping().run(wellAfter(LAST));
    expect(await differences()).toEqual([]);
    expect(await runs()).toMatchObject([{ chain_amount: '2', ledger_amount: '2' }]);
  });

  test('stays as it was for a payment that the node does not answer about', async () => {
    const lost = { state: 'settled', amount: 2n, block: 20, transaction: hashOf(20, 1) } as const;
    await enter(ALICE, nonce(1), timeOf(19), lost);
    const { run } = sweeping();
    await run(wellAfter(LAST));
    expect(await kinds()).toEqual(['missing']);
    const respond = node.respond;
    answerHosts({
      'node.test': (body) =>
        JSON.stringify(body).includes('eth_call')
          ? new Response('bad gateway', { status: 502 })
          : respond(body),
    });
    await enter(ALICE, nonce(2), timeOf(19), { ...lost, transaction: hashOf(20, 2) });
    await run(wellAfter(LAST) + 900);
    expect(await differences(false)).toMatchObject([{ call: nonce(1), resolved_at: null }]);
  });
});

describe('once a day', () => {
  test('the last days are compared again, which finds payments that were reorganised away', async () => {
    const transaction = await payment(1, 10, 'settled');
    const stays = await payment(2, 12, 'settled');
    const { run } = sweeping();
    const now = wellAfter(LAST);
    await run(now);
    expect(await differences()).toEqual([]);
    node.forget(transaction);
    await run(now + 900);
    expect(await differences()).toEqual([]);
    // The next day of UTC.
    const next = (Math.floor(now / DAY) + 1) * DAY;
    await run(next);
    expect(await differences()).toMatchObject([{ kind: 'missing', call: nonce(1) }]);
    expect((await runs()).at(-1)).toMatchObject({
      ...{ kind: 'again', state: 'complete', chain_amount: '2', ledger_amount: '4' },
    });
    expect(stays).toBeDefined();
    await run(next + 900);
    expect((await runs()).filter(({ kind }) => kind === 'again')).toHaveLength(1);
    // It is in a later block again.
    node.mine(30, hashOf(30, 1), paid(ALICE, nonce(1), 2n));
    await run(next + 1_800);
    expect(await differences()).toMatchObject([
      {
        kind: 'moved',
        call: nonce(1),
        block: 30,
        ledger_block: 10,
        transaction_hash: hashOf(30, 1),
      },
    ]);
  });

  test('the comparison continues in the next run if it is long, and new blocks come first', async () => {
    chainOf(40_000);
    const { run } = sweeping();
    const now = wellAfter(40_000);
    await run(now);
    const next = (Math.floor(now / DAY) + 1) * DAY;
    node.state.maxRange = 100;
    const before = node.windows.length;
    await run(next);
    const { again_next: goesOn, again_to: to } = (await cursor()) ?? {};
    expect(goesOn).toBeLessThan(Number(to));
    const asked = node.windows.length - before;
    expect(asked).toBeLessThanOrEqual(50);
    await run(next + 900);
    expect(node.windows[before + asked]?.[0]).toBe(goesOn);
    node.state.maxRange = Infinity;
    for (let at = 2; at < 8; at += 1) await run(next + at * 900);
    expect(await cursor()).toMatchObject({ again_next: null, again_to: null });
  });

  test('old runs are deleted, and old differences that are resolved or informational', async () => {
    await payment(1, 10, { state: 'open' });
    await payment(2, 12);
    const { run } = sweeping();
    const now = wellAfter(LAST);
    await run(now);
    await run(now + 91 * DAY);
    expect(await differences()).toMatchObject([{ call: nonce(1) }]);
    expect((await runs()).map(({ at }) => at)).not.toContain(now);
  });
});

describe('the ledger', () => {
  const plan = async (sql: string): Promise<string> => {
    const { results } = await db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all<{ detail: string }>();
    return results.map(({ detail }) => detail).join('\n');
  };

  test('is read by key and by time, and never as a whole', async () => {
    const byKey = await plan(BY_KEY.replace('?1', "'[]'"));
    expect(byKey).toContain('SEARCH c USING PRIMARY KEY (account=? AND call=?)');
    expect(byKey).toContain('SEARCH p USING PRIMARY KEY (account=? AND call=?)');
    const byTime = await plan(BY_TIME.replaceAll(/\?3/g, "'x'").replaceAll(/\?[0-9]/g, '1'));
    expect(byTime).toContain(
      'SEARCH c USING INDEX calls_by_time (accepted_at>? AND accepted_at<?)',
    );
    expect(byTime).toContain('SEARCH p USING PRIMARY KEY (account=? AND call=?)');
    expect(`${byKey}${byTime}`).not.toMatch(/SCAN (c|p)\b/);
  });

  test('has payments of other networks that are not compared', async () => {
    const lost = { state: 'settled', amount: 2n, block: 20, transaction: hashOf(20, 1) } as const;
    await enter(ALICE, nonce(1), timeOf(19), lost);
    await db.batch([
      db.prepare("UPDATE calls SET account = replace(account, '84532', '845320')"),
      db.prepare("UPDATE payments SET account = replace(account, '84532', '845320')"),
    ]);
    await sweeping().run(wellAfter(LAST));
    expect(await differences()).toEqual([]);
    expect(await runs()).toMatchObject([{ ledger_payments: 0 }]);
  });
});
