import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { storeChunk } from '../../../src/audit/store.ts';
import { runs } from '../../support/runs.ts';
import type { Entry } from '../../../src/protocol/entry.ts';
import { db, freshDatabase, messageOf, rows } from './database.ts';
import { ALICE, history, MALLORY, START } from './history.ts';
import { bodies } from './random-history.ts';

const store = async (entries: readonly Entry[]) => storeChunk(db, await messageOf(entries), START);

type Sum = { calls: number; charged: bigint; denied: number; failed: number; earned: bigint };
type Sums = Map<string, Sum>;
type Agreed = {
  readonly asset: string;
  readonly payee: string;
  readonly paidBy: string;
  readonly price: bigint;
  /** The day on which the payment settled. */
  settled?: string;
};

const NOTHING: Sum = { calls: 0, charged: 0n, denied: 0, failed: 0, earned: 0n };

/**
 * The model: adds up entries one by one and shares no code with the roll-up. It stores the facts of each call, and counts each end or
 * denial for the account, for all accounts, and for the account's ancestors at that time.
 */
const addUp = (entries: readonly Entry[], sums: Sums = new Map()): Sums => {
  const agreed = new Map<string, Agreed>();
  let above: readonly string[] = [];
  for (const entry of entries) {
    const { account, call = '', tool, payment, amounts, outcome, type, decision } = entry;
    if (type.startsWith('grant.')) above = outcome?.['above'] as string[];
    if (type === 'call.accepted') {
      agreed.set(call, {
        asset: payment?.['asset'] as string,
        payee: payment?.['payTo'] as string,
        paidBy: payment?.['paidBy'] as string,
        price: BigInt(amounts?.['price'] ?? 0),
      });
    }
    const terms = agreed.get(call);
    const today = new Date(entry.at * 1000).toISOString().slice(0, 10);
    const earn = (amount: bigint, day = today) => {
      const key = ['*', 'own', day, terms?.asset, tool, terms?.payee, '[]', ''].join(' ');
      const sum = sums.get(key) ?? { ...NOTHING };
      sums.set(key, { ...sum, earned: sum.earned + amount });
    };
    if (type === 'payment.settled' && terms !== undefined) {
      terms.settled = today;
      earn(BigInt(amounts?.['amount'] ?? 0) - BigInt((payment?.['credited'] as string) ?? 0));
    }
    const isOver = ['call.finished', 'call.abandoned', 'call.resolved'].includes(type);
    const isCredited = amounts?.['charged'] === '0' || amounts?.['credited'] !== undefined;
    const rest = BigInt((payment?.['credited'] as string) ?? 0);
    if (isOver && terms?.settled !== undefined) {
      if (isCredited) earn(-terms.price, terms.settled);
      else if (rest > 0n) earn(-rest, terms.settled);
    }
    const charged = amounts?.['charged'];
    const isEnd =
      charged !== undefined && !['call.late', 'call.resolved', 'call.refused'].includes(type);
    const change =
      type === 'call.resolved'
        ? BigInt(charged ?? 0) - BigInt(amounts?.['before'] ?? 0)
        : type === 'call.refunded'
          ? -BigInt(amounts?.['amount'] ?? 0)
          : 0n;
    if (!isEnd && type !== 'call.denied' && change === 0n) continue;
    const isFromCredit = ['credit', 'lent'].includes(terms?.paidBy ?? '');
    if (type === 'call.refunded' || isFromCredit) earn(isEnd ? BigInt(charged) : change);
    const { asset, payee } = (type === 'call.denied' ? undefined : agreed.get(call)) ?? {
      asset: '',
      payee: '',
    };
    const day = new Date(entry.at * 1000).toISOString().split('T')[0];
    const own = above.length === 0 ? '[]' : `["${above.join('","')}"]`;
    const add = (scope: string, kind: string, whose: string) => {
      const rule = type === 'call.denied' ? entry.rule : '';
      const key = [scope, kind, day, asset, tool, payee, whose, rule].join(' ');
      const sum = sums.get(key) ?? { ...NOTHING };
      sum.calls += isEnd ? 1 : 0;
      sum.charged += isEnd ? BigInt(charged) - BigInt(amounts?.['credited'] ?? 0) : change;
      sum.denied += type === 'call.denied' ? (entry.count ?? 1) : 0;
      sum.failed += isEnd && decision !== 'committed' ? 1 : 0;
      sums.set(key, sum);
    };
    add(account, 'own', own);
    add('*', 'own', '[]');
    for (const [rank, each] of above.entries()) {
      add(each, 'tree', JSON.stringify(above.slice(rank + 1)));
    }
  }
  return sums;
};

const storedSums = async (): Promise<Sums> =>
  new Map(
    (await rows('spend')).map((row) => [
      ['scope', 'kind', 'day', 'asset', 'tool', 'payee', 'above', 'rule']
        .map((name) => row[name])
        .join(' '),
      {
        calls: Number(row['calls']),
        charged: BigInt(Number(row['charged'])),
        denied: Number(row['denied']),
        failed: Number(row['failed']),
        earned: BigInt(Number(row['earned'])),
      },
    ]),
  );

beforeEach(freshDatabase);

describe('spend equals the sum of the entries', () => {
  /** Chunks as a faulty outbox may send them: any chunk, in any order, repeatedly, two at once. */
  const pieces = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 1, max: 12 })), { maxLength: 12 });

  test('however chunks are cut, resent and overlap', async () => {
    await fc.assert(
      fc.asyncProperty(
        bodies,
        bodies,
        pieces,
        fc.integer({ min: 1, max: 9 }),
        async (one, other, sent, step) => {
          const chains = [history(ALICE, one), history(MALLORY, other)].filter(
            ({ length }) => length > 0,
          );
          await db.batch(
            ['spend', 'accounts', 'kin', 'calls', 'charge_changes'].map((table) =>
              db.prepare(`DELETE FROM ${table}`),
            ),
          );
          await forgetChunks();
          for (const [from, length] of sent) {
            await Promise.all(
              chains.map((chain) => {
                const start = from % chain.length;
                return store(chain.slice(start, start + length));
              }),
            );
          }
          for (const chain of chains) {
            for (let from = 0; from < chain.length; from += step) {
              // Two consumers process the same message.
              const both = [
                chain.slice(from, from + step),
                chain.slice(Math.max(0, from - 2), from + step),
              ];
              await Promise.all(both.map(store));
              await store(chain.slice(0, from + step));
            }
          }
          const expected = new Map<string, Sum>();
          for (const chain of chains) addUp(chain, expected);
          expect(await storedSums()).toEqual(expected);
        },
      ),
      { numRuns: runs(40, 20), endOnFailure: true },
    );
  }, 240_000);

  /** Deletes chunks by setting the watermark, which is faster than a new database. */
  const forgetChunks = () =>
    db.batch(
      ['DROP TRIGGER IF EXISTS chunks_stay_until_archived', 'DELETE FROM chunks'].map((sql) =>
        db.prepare(sql),
      ),
    );
});
