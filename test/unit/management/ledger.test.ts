import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import type { CallRecord } from '../../../durable-objects/account/call/call-record.ts';
import { conclude } from '../../../durable-objects/account/call/conclude.ts';
import type { Context } from '../../../durable-objects/account/decision.ts';
import { purseOf, withPurse } from '../../../durable-objects/account/purse.ts';
import { emptyAccount } from '../../../durable-objects/account/state.ts';
import { creditMovement } from '../../../src/audit/credit-movement.ts';
import { storeChunk } from '../../../src/audit/store.ts';
import { type LedgerRange, readLedger } from '../../../src/management/ledger-query.ts';
import type { LedgerItem } from '../../../src/management/ledger.route.ts';
import { cursorOf } from '../../../src/management/page.ts';
import type { Entry, EntryBody } from '../../../src/protocol/entry.ts';
import { ALONE } from '../../properties/alone.ts';
import { asset as TOKEN } from '../../properties/simulated-account.ts';
import { openSimulation } from '../../properties/simulation.ts';
import { plans, steps } from '../../properties/steps.ts';
import { db, freshDatabase, messageOf } from '../audit/database.ts';
import {
  accepted,
  ALICE,
  committed,
  failed,
  history,
  MALLORY,
  settled,
  START,
  unpaid,
  word,
} from '../audit/history.ts';
import { bodies } from '../audit/random-history.ts';

const ASSET = 'eip155:84532/erc20:0x036cbd53842c5426634e7929541ec2318f3dcf7e';
const GAS = 'eip155:84532/slip44:60';
const PAYEE = `0x${'0f'.repeat(20)}`;
const DAY = 86_400;

const store = async (entries: readonly Entry[]) => {
  const stored = await storeChunk(db, await messageOf(entries), START);
  if (!stored.ok) throw new Error(JSON.stringify(stored.error));
};

/** The items of all pages. */
const booksOf = async (asked: Partial<LedgerRange> = {}): Promise<readonly LedgerItem[]> => {
  const items: LedgerItem[] = [];
  let after: string | undefined;
  do {
    const from = { from: '2027-01-10', to: '2027-12-31', feeOn: () => 0n };
    const found = await readLedger(db, { ...from, ...asked, after });
    if (!found.ok) throw new Error(JSON.stringify(found.error));
    items.push(...found.value.items);
    after = found.value.next;
  } while (after !== undefined);
  return items;
};

const LIABILITY = 'credit_liability';

const sumsOf = (items: readonly LedgerItem[]): Map<string, bigint> =>
  new Map(
    items
      .filter(({ line }) => line !== LIABILITY)
      .map(({ day, asset, line, tool = '', payee = '', amount }) => [
        [day, asset, line, tool, payee].join(' '),
        amount,
      ]),
  );

/** The liability after the last day, by asset. */
const owedAtEnd = (items: readonly LedgerItem[]): Map<string, bigint> =>
  new Map(
    items.filter(({ line }) => line === LIABILITY).map(({ asset, amount }) => [asset, amount]),
  );

/** Empties the tables that chunks fill: faster than a new database. */
const forget = () =>
  db.batch(
    [
      'DROP TRIGGER IF EXISTS chunks_stay_until_archived',
      ...[
        ...['chunks', 'spend', 'accounts', 'kin', 'open_payments', 'calls', 'payments'],
        ...['credit_movements', 'relays'],
      ].map((table) => `DELETE FROM ${table}`),
    ].map((sql) => db.prepare(sql)),
  );

beforeEach(freshDatabase);

type Order = Readonly<Record<'asset' | 'tool' | 'payee', string>> & {
  readonly price: bigint;
  readonly paidBy: string;
};
type Ended = { readonly day: string; readonly line: string };

/** The model: adds up entries one by one and shares no code with the tables. */
const addUp = (chain: readonly Entry[], sums: Map<string, bigint>, owed: Map<string, bigint>) => {
  const orders = new Map<string, Order>();
  const ended = new Map<string, Ended>();
  const add = (key: readonly string[], amount: bigint) => {
    const name = key.join(' ');
    sums.set(name, (sums.get(name) ?? 0n) + amount);
  };
  const owe = (asset: string, amount: bigint) => owed.set(asset, (owed.get(asset) ?? 0n) + amount);
  for (const { type, at, call = '', tool = '', amounts = {}, payment = {}, decision } of chain) {
    const day = new Date(at * 1000).toISOString().split('T')[0] as string;
    const amount = BigInt(amounts['amount'] ?? 0);
    if (type === 'call.accepted') {
      orders.set(call, {
        ...{ asset: payment['asset'] as string, tool, payee: payment['payTo'] as string },
        ...{ price: BigInt(amounts['price'] ?? 0), paidBy: payment['paidBy'] as string },
      });
    }
    const order = orders.get(call) as Order;
    const credit = (line: string, of: string, moved: bigint, sign = 1n) => {
      add([day, of, `credit_${line}`, '', ''], moved);
      owe(of, sign * moved);
    };
    const charge = (charged: bigint) => {
      add([day, order.asset, 'revenue', order.tool, order.payee], charged);
      if (order.paidBy === 'credit') credit('spent', order.asset, charged, -1n);
    };
    // oxlint-disable-next-line typescript/switch-exhaustiveness-check -- only what moves money counts
    switch (type) {
      case 'call.finished':
      case 'call.abandoned': {
        const bought = BigInt(amounts['credited'] ?? 0);
        charge(BigInt(amounts['charged'] ?? 0) - bought);
        if (bought > 0n) credit('topped_up', order.asset, bought);
        const moved = payment['state'] === 'settled' && order.paidBy === 'upfront';
        if (moved && amounts['charged'] === '0') credit('returned', order.asset, order.price);
        if (payment['state'] === 'released') ended.set(call, { day, line: 'released' });
        break;
      }
      case 'call.resolved':
        charge(BigInt(amounts['charged'] ?? 0) - BigInt(amounts['before'] ?? 0));
        if (order.paidBy === 'upfront' && amounts['charged'] === '0') {
          credit('returned', order.asset, order.price);
        }
        break;
      case 'payment.settled':
        // The debt is cleared, whatever else the entry says.
        if (payment['credited'] !== undefined || ended.get(call)?.line === 'debt') {
          credit('late', order.asset, amount);
        }
        ended.set(call, { day, line: 'settled' });
        break;
      case 'payment.failed':
        ended.set(call, {
          day,
          line:
            payment['fault'] === 'payer'
              ? 'debt'
              : payment['fault'] === 'gateway'
                ? 'write_off'
                : 'released',
        });
        if (payment['fault'] === 'payer') owe(order.asset, -amount);
        break;
      case 'payment.released':
        ended.set(call, { day, line: 'released' });
        break;
      case 'credit.adjusted':
        if (decision === 'added') credit('given', payment['asset'] as string, amount);
        else credit('taken', payment['asset'] as string, amount, -1n);
        break;
      case 'credit.refunded':
        credit('refunded', payment['asset'] as string, amount, -1n);
        break;
      case 'credit.lent':
        credit('lent', payment['asset'] as string, amount, -1n);
        break;
      default:
    }
  }
  for (const [call, { day, line }] of ended) {
    const { asset, tool, payee, price } = orders.get(call) as Order;
    add([day, asset, line, ...(line === 'settled' ? ['', ''] : [tool, payee])], price);
  }
};

const withoutZeros = (sums: ReadonlyMap<string, bigint>) =>
  new Map([...sums].filter(([, amount]) => amount !== 0n));

describe('ledger totals equal the sum of the entries', () => {
  test('for any history, cut into any chunks', async () => {
    const lines = new Set<string>();
    let cleared = 0;
    await fc.assert(
      fc.asyncProperty(bodies, bodies, fc.integer({ min: 1, max: 9 }), async (one, other, step) => {
        await forget();
        const [sums, owed] = [new Map<string, bigint>(), new Map<string, bigint>()];
        for (const chain of [history(ALICE, one), history(MALLORY, other)]) {
          for (let from = 0; from < chain.length; from += step) {
            await store(chain.slice(from, from + step));
            // A redelivery adds nothing.
            await store(chain.slice(from, from + step));
          }
          addUp(chain, sums, owed);
          cleared += chain.filter(({ payment }) => payment?.cleared !== undefined).length;
        }
        const items = await booksOf();
        for (const { line } of items) lines.add(line);
        expect(withoutZeros(sumsOf(items))).toEqual(withoutZeros(sums));
        expect(withoutZeros(owedAtEnd(items))).toEqual(withoutZeros(owed));
      }),
      { numRuns: 30, endOnFailure: true, seed: 6 },
    );
    // Every line must occur in some run, or the property proves nothing about it.
    expect(cleared).toBeGreaterThan(0);
    expect([...lines].toSorted()).toEqual(
      [
        ...['revenue', 'settled', 'write_off', 'debt', 'released', 'credit_liability'],
        ...['topped_up', 'returned', 'late', 'given', 'taken', 'refunded', 'lent', 'spent'].map(
          (line) => `credit_${line}`,
        ),
      ].toSorted(),
    );
  }, 240_000);

  test('and their liability equals the credit of the accounts', async () => {
    await fc.assert(
      fc.asyncProperty(plans, steps, async (calls, deeds) => {
        await forget();
        const simulation = openSimulation(calls, 2);
        for (const step of deeds) simulation.take(step);
        simulation.rest();
        let [credit, charged] = [0n, 0n];
        for (const { state, records, loose } of simulation.all) {
          const chain = [...records.values()]
            .flatMap((record) => record.entries)
            .concat(loose)
            .toSorted((a, b) => a.seq - b.seq);
          if (chain.length > 0) await store(chain);
          credit += purseOf(state, TOKEN).credit;
          for (const one of records.values()) {
            charged += one.topUp !== undefined && one.state === 'committed' ? 0n : one.charged;
          }
        }
        const items = await booksOf();
        const total = (...lines: readonly LedgerItem['line'][]): bigint =>
          items.reduce((sum, { line, amount }) => sum + (lines.includes(line) ? amount : 0n), 0n);
        expect(owedAtEnd(items).get(TOKEN) ?? 0n).toBe(credit);
        expect(total('revenue')).toBe(charged);
        // Money that came in or was written off equals money that was earned, is owed, or was paid back.
        expect(total('settled', 'write_off')).toBe(charged + credit + total('credit_refunded'));
      }),
      { numRuns: 120, endOnFailure: true, seed: 6 },
    );
  }, 240_000);
});

const line = (items: readonly LedgerItem[], name: LedgerItem['line']) =>
  items
    .filter((item) => item.line === name)
    .map(({ day, asset, tool, payee, count, amount }) =>
      [day, asset, tool, payee, count, amount].filter((cell) => cell !== undefined).join(' '),
    );

describe('days of the ledger totals', () => {
  const midnight = START + DAY - (START % DAY);

  test('count a payment on the day its end was known, and its call on the day of its answer', async () => {
    await store(
      history(ALICE, [
        accepted(1, midnight - 10),
        committed(1, midnight - 1),
        settled(1, midnight),
        accepted(2, midnight - 10),
        committed(2, midnight - 1),
        unpaid(2, midnight + DAY - 1),
        accepted(3, midnight),
        failed(3, midnight),
      ]),
    );
    const items = await booksOf();
    expect(line(items, 'revenue')).toEqual([`2027-01-15 ${ASSET} translate ${PAYEE} 2 40000`]);
    expect(line(items, 'settled')).toEqual([`2027-01-16 ${ASSET} 1 20000`]);
    expect(line(items, 'debt')).toEqual([`2027-01-16 ${ASSET} translate ${PAYEE} 1 20000`]);
    expect(line(items, 'released')).toEqual([`2027-01-16 ${ASSET} translate ${PAYEE} 1 20000`]);
    const one = await booksOf({ from: '2027-01-15', to: '2027-01-15' });
    expect(new Set(one.map(({ day }) => day))).toEqual(new Set(['2027-01-15']));
    // A debt lowers the liability of every later day.
    expect((await booksOf({ from: '2027-01-17', to: '2027-01-17' })).at(0)).toEqual({
      ...{ day: '2027-01-17', asset: ASSET, line: 'credit_liability', amount: -20_000n },
    });
  });

  test.each([
    ['a day and a second', DAY + 1],
    ['a week', 7 * DAY],
  ])('count a payment that took %s', async (_, seconds) => {
    await store(
      history(ALICE, [
        accepted(1, midnight),
        committed(1, midnight),
        settled(1, midnight + seconds),
      ]),
    );
    const day = new Date((midnight + seconds) * 1000).toISOString().slice(0, 10);
    const items = await booksOf({ from: day, to: day });
    expect(line(items, 'settled')).toEqual([`${day} ${ASSET} 1 20000`]);
    expect(line(await booksOf(), 'settled')).toHaveLength(1);
  });

  test('count a released payment that moved days later', async () => {
    const later = midnight + 2 * DAY;
    const moved = settled(1, later);
    const entries = history(ALICE, [
      accepted(1, midnight),
      failed(1, midnight),
      { ...moved, payment: { ...moved.payment, credited: '20000' } },
    ]);
    await store(entries.slice(0, 2));
    await store(entries.slice(2));
    // This day only: the call was accepted long before it.
    const items = await booksOf({ from: '2027-01-18', to: '2027-01-18' });
    expect(line(items, 'settled')).toEqual([`2027-01-18 ${ASSET} 1 20000`]);
    expect(line(items, 'credit_late')).toEqual([`2027-01-18 ${ASSET} 1 20000`]);
    expect(line(items, 'released')).toEqual([]);
  });

  test('remove a debt whose payment moved after all', async () => {
    const account = emptyAccount(ALICE);
    const purse = { ...purseOf(account, TOKEN), unsettled: 1_000n, settled: 5_000n };
    const context = {
      ...ALONE,
      now: midnight,
      policyHash: word(7),
      salt: () => `0x${'11'.repeat(16)}` as const,
    } as Context;
    const call = word(1);
    const record = {
      ...{ id: call, asset: TOKEN, tool: 'translate', payment: 'sent', paidBy: 'deferred' },
      ...{ state: 'committed', price: 1_000n, charged: 1_000n, entries: [], usedShares: [] },
      ...{ windows: [], held: undefined },
    } as unknown as CallRecord;
    const [failure, success] = [
      { outcome: 'failed', fault: 'payer', reason: 'unfunded' },
      { outcome: 'settled', transaction: word(901), block: 9 },
    ] as const;
    const one = conclude(withPurse(account, TOKEN, purse), record, failure, context);
    const two = conclude(one.state, one.record, success, { ...context, now: midnight + DAY });
    expect(purseOf(one.state, TOKEN).credit).toBe(-1_000n);
    expect(purseOf(two.state, TOKEN).credit).toBe(0n);
    expect(two.record.entries.map((entry) => creditMovement(entry))).toMatchObject([
      { line: 'debt', amount: 1_000 },
      { line: 'late', amount: 1_000 },
    ]);
  });

  test('split into pages of whole days', async () => {
    const far = midnight + 100 * DAY;
    await store(
      history(ALICE, [accepted(1), committed(1), settled(1), accepted(2, far), committed(2, far)]),
    );
    const first = await readLedger(db, { from: '2027-01-10', to: '2027-12-31', feeOn: () => 0n });
    expect(first).toMatchObject({ ok: true, value: { next: expect.any(String) } });
    const items = await booksOf();
    expect(line(items, 'revenue')).toHaveLength(2);
    const days = items.map(({ day }) => day);
    expect(days).toEqual(days.toSorted());
  });

  test('reject a cursor of other days', async () => {
    const asked = { from: '2027-01-10', to: '2027-12-31', feeOn: () => 0n };
    const found = await readLedger(db, asked);
    const after = found.ok ? found.value.next : undefined;
    expect(after).toBeDefined();
    for (const other of [
      { from: '2027-06-01', after },
      { to: '2027-01-12', after },
      { after: 'eA' },
      // Sorts between the two days, but is no day.
      { after: cursorOf('books', ['2027-01-1x']) },
    ]) {
      expect(await readLedger(db, { ...asked, ...other })).toMatchObject({
        error: { kind: 'bad_cursor' },
      });
    }
  });

  test('refuse to add up too many rows, and answer fewer days if those fit', async () => {
    const fill = (day: string, scope: string) =>
      db
        .prepare(
          `INSERT INTO spend WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
           SELECT ?2, 'own', ?1, 'usdc', 'tool-' || i, '', '[]', 1, 1, 0, 0, 0 FROM n`,
        )
        .bind(day, scope)
        .run();
    await fill('2027-01-14', '*');
    const asked = { from: '2027-01-10', to: '2027-01-14', feeOn: () => 0n };
    const before = await readLedger(db, asked, 2_000);
    expect(before).toMatchObject({ ok: true, value: { items: [] } });
    // One day cannot be split, so it may have ten times as many rows.
    const day = { ...asked, from: '2027-01-14' };
    expect(await readLedger(db, day, 2_000)).toMatchObject({ ok: true });
    expect(await readLedger(db, day, 201)).toMatchObject({ ok: true });
    expect(await readLedger(db, day, 200)).toMatchObject({
      error: { kind: 'day_too_full', day: '2027-01-14' },
    });
  });
});

describe('the cost of settlement', () => {
  const relay = (transaction: number, day: string, fee: string) =>
    db
      .prepare(`INSERT INTO relays VALUES ('eip155:84532', ?1, ?2, ?3, 1, 2, 90000, ?4)`)
      .bind(word(transaction), day, START, fee)
      .run();
  /** Calls whose payments these transactions settled. */
  const by = (...transactions: readonly number[]): readonly EntryBody[] =>
    transactions.flatMap((transaction, at) => [
      accepted(at + 1),
      committed(at + 1),
      { ...settled(at + 1), payment: { transaction: word(transaction), block: 1 } },
    ]);
  const feeOn = (network: string) => (network === 'eip155:84532' ? 1_000n : 7n);

  test('counts a facilitator’s fee for each transaction that is not the relayer’s', async () => {
    await store(history(ALICE, by(901, 901, 902, 903)));
    await relay(903, '2027-01-15', '1');
    expect(line(await booksOf({ feeOn }), 'fees')).toEqual([`2027-01-15 ${ASSET} 2 2000`]);
    expect(line(await booksOf(), 'fees')).toEqual([]);
  });

  test('finds the relayer’s transactions whatever the day of their block', async () => {
    const lateDay = START + 5 * DAY;
    await store(
      history(ALICE, [
        accepted(1),
        committed(1),
        { ...settled(1, lateDay), payment: { transaction: word(901), block: 1 } },
        accepted(2, START + 10 * DAY),
        committed(2, START + 10 * DAY),
        { ...settled(2, START + 11 * DAY), payment: { transaction: word(902), block: 1 } },
      ]),
    );
    await relay(901, '2027-01-17', '1');
    await relay(902, '2027-01-25', '1');
    expect(line(await booksOf({ feeOn }), 'settled')).toHaveLength(2);
    expect(line(await booksOf({ feeOn }), 'fees')).toEqual([]);
  });

  test('counts gas to the wei, by network, apart from money', async () => {
    const [one, other] = ['98765432109876543210', '1999999999'];
    await relay(901, '2027-01-15', one);
    await relay(902, '2027-01-15', other);
    await relay(903, '2027-01-16', '5');
    await relay(904, '2027-12-31', '7');
    await db
      .prepare(`INSERT INTO relays VALUES ('eip155:8453', ?1, '2027-01-15', 1, 1, 1, 1, '3')`)
      .bind(word(905))
      .run();
    expect(line(await booksOf({ to: '2027-01-16' }), 'gas')).toEqual([
      `2027-01-15 eip155:8453/slip44:60 1 3`,
      `2027-01-15 ${GAS} 2 ${BigInt(one) + BigInt(other)}`,
      `2027-01-16 ${GAS} 1 5`,
    ]);
  });
});
