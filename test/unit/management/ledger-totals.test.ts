import { purseOf } from '../../../durable-objects/account/purse.ts';
import fc from 'fast-check';
import type { LedgerItem } from '../../../src/management/ledger.route.ts';
import type { Entry } from '../../../src/protocol/entry.ts';
import { asset as TOKEN } from '../../properties/simulated-account.ts';
import { openSimulation } from '../../properties/simulation.ts';
import { meteredPlans, meteredSteps, plans, steps } from '../../properties/steps.ts';
import { db, freshDatabase } from '../audit/database.ts';
import { ALICE, history, MALLORY } from '../audit/history.ts';
import { bodies } from '../audit/random-history.ts';
import { beforeEach, describe, expect, test } from 'vitest';
import { store, totalsOf } from './ledger-world.ts';

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

/** Empties the tables that the consumer fills, which is faster than a new database. */
const forget = () =>
  db.batch(
    [
      'DROP TRIGGER IF EXISTS chunks_stay_until_archived',
      ...[
        ...['chunks', 'spend', 'charge_changes', 'accounts', 'kin', 'calls'],
        ...['credit_movements', 'relays'],
      ].map((table) => `DELETE FROM ${table}`),
    ].map((sql) => db.prepare(sql)),
  );

beforeEach(freshDatabase);

type Order = Readonly<Record<'asset' | 'tool' | 'payee', string>> & {
  readonly price: bigint;
  readonly paidBy: string;
};

type Ended = { readonly day: string; readonly line: string; readonly amount: bigint };

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
      // A charge on the operator's card is the operator's expense.
      const line = order.paidBy === 'card' ? 'card_spent' : 'revenue';
      add([day, order.asset, line, order.tool, order.payee], charged);
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
        const rest = BigInt((payment['credited'] as string) ?? 0);
        if (moved && amounts['charged'] === '0') credit('returned', order.asset, order.price);
        else if (rest > 0n) credit('returned', order.asset, rest);
        if (payment['state'] === 'released') {
          ended.set(call, { day, line: 'released', amount: order.price });
        }
        break;
      }
      case 'call.resolved':
        charge(BigInt(amounts['charged'] ?? 0) - BigInt(amounts['before'] ?? 0));
        if (order.paidBy === 'upfront' && amounts['charged'] === '0') {
          credit('returned', order.asset, order.price);
        }
        break;
      case 'call.refunded':
        add([day, order.asset, 'revenue', order.tool, order.payee], -amount);
        credit('returned', order.asset, amount);
        break;
      case 'payment.settled':
        // The debt is cleared, whatever else the entry contains.
        if (payment['credited'] === `${amount}` || ended.get(call)?.line === 'debt') {
          credit('late', order.asset, amount);
        } else if (payment['credited'] !== undefined) {
          credit('returned', order.asset, BigInt(payment['credited'] as string));
        }
        ended.set(call, { day, line: 'settled', amount });
        break;
      case 'payment.failed':
        ended.set(call, {
          day,
          amount,
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
        ended.set(call, { day, line: 'released', amount });
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
  for (const [call, { day, line, amount }] of ended) {
    const { asset, tool, payee } = orders.get(call) as Order;
    add([day, asset, line, ...(line === 'settled' ? ['', ''] : [tool, payee])], amount);
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
            // A redelivery must add nothing.
            await store(chain.slice(from, from + step));
          }
          addUp(chain, sums, owed);
          cleared += chain.filter(({ payment }) => payment?.cleared !== undefined).length;
        }
        const items = await totalsOf();
        for (const { line } of items) lines.add(line);
        expect(withoutZeros(sumsOf(items))).toEqual(withoutZeros(sums));
        expect(withoutZeros(owedAtEnd(items))).toEqual(withoutZeros(owed));
      }),
      { numRuns: 30, endOnFailure: true, seed: 6 },
    );
    // Every line must occur in some run, otherwise the property proves nothing about it.
    expect(cleared).toBeGreaterThan(0);
    expect([...lines].toSorted()).toEqual(
      [
        ...['revenue', 'card_spent', 'settled', 'write_off', 'debt', 'released'],
        'credit_liability',
        ...['topped_up', 'returned', 'late', 'given', 'taken', 'refunded', 'lent', 'spent'].map(
          (line) => `credit_${line}`,
        ),
      ].toSorted(),
    );
  }, 240_000);

  test.each([
    ['of every kind', fc.tuple(plans, steps), 120],
    ['that move more than metered calls charge', fc.tuple(meteredPlans, meteredSteps), 60],
  ])(
    'and their liability equals the credit of the accounts: payments %s',
    async (_, runs, numRuns) => {
      await fc.assert(
        fc.asyncProperty(runs, async ([calls, deeds]) => {
          await forget();
          const simulation = openSimulation(calls, 2);
          for (const step of deeds) simulation.take(step);
          simulation.rest();
          let [credit, charged] = [0n, 0n];
          for (const { state, records, loose, refundedCalls } of simulation.all) {
            const chain = [...records.values()]
              .flatMap((record) => record.entries)
              .concat(loose)
              .toSorted((a, b) => a.seq - b.seq);
            if (chain.length > 0) await store(chain);
            credit += purseOf(state, TOKEN).credit;
            for (const refunded of refundedCalls.values()) charged -= refunded;
            for (const one of records.values()) {
              charged += one.topUp !== undefined && one.state === 'committed' ? 0n : one.charged;
            }
          }
          const items = await totalsOf();
          const total = (...lines: readonly LedgerItem['line'][]): bigint =>
            items.reduce((sum, { line, amount }) => sum + (lines.includes(line) ? amount : 0n), 0n);
          expect(owedAtEnd(items).get(TOKEN) ?? 0n).toBe(credit);
          expect(total('revenue')).toBe(charged);
          // Money that was received or written off equals money that was earned, is owed, or was paid back.
          expect(total('settled', 'write_off')).toBe(charged + credit + total('credit_refunded'));
        }),
        { numRuns, endOnFailure: true, seed: 6 },
      );
    },
    240_000,
  );
});
