import { POLICY } from './gateway-subject.ts';
import {
  buy,
  buyerOf,
  buyFirst,
  countersign,
  exactOn,
  type Paid,
  SELLER,
  type Seller,
} from './sellers.ts';
import { quantile } from './statistics.ts';
import { type Bench, newDirectory } from './subject.ts';
import { type TransferWatcher, watchTransfers } from './transfer-watcher.ts';
import { people } from '../stack/people.ts';
import { startStack } from '../stack/stack.ts';
import { join } from 'node:path';

/** Seconds from a paid request to its answer and to its settlement, on a chain with blocks of `blockSeconds`. */
export type Selling = {
  readonly seller: string;
  readonly blockSeconds: number;
  readonly payments: number;
  /** Number of payments that settled; `settled` leaves out the others. */
  readonly moved: number;
  readonly answered: Seconds;
  readonly settled: Seconds;
  /** Seconds to the answer of the first payment of each buyer. */
  readonly firstAnswered: Seconds;
};

type Seconds = { readonly p50: number; readonly p99: number };

const BLOCK_SECONDS = 2;
const PAYMENTS = 40;
/** Time between two payments to one seller. Not a divisor of the block time, so that payments arrive at all phases of a block. */
const PACE_MS = 430;
const PATIENCE_MS = 30_000;

const secondsOf = (times: readonly number[]): Seconds => ({
  p50: quantile(times, 0.5) / 1_000,
  p99: quantile(times, 0.99) / 1_000,
});

/** Sends payments at an even pace, without waiting for answers. */
const sendPaced = async ({ buyers, next }: Seller): Promise<readonly Paid[]> => {
  const sending: Promise<Paid>[] = [];
  const began = performance.now();
  for (let number = 0; number < PAYMENTS; number += 1) {
    const wait = began + number * PACE_MS - performance.now();
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, wait)));
    const buyer = buyers[number % buyers.length];
    if (buyer === undefined) throw new Error('There is no buyer.');
    const sent = buy(next(buyer));
    // `Promise.all` below reports the failure.
    sent.catch(() => {});
    sending.push(sent);
  }
  return await Promise.all(sending);
};

const figuresOf = (
  seller: Seller,
  first: readonly Paid[],
  sent: readonly Paid[],
  watcher: TransferWatcher,
): Selling => {
  const settled = sent.flatMap(({ nonce, at }) => {
    const seen = watcher.at(nonce);
    return seen === undefined ? [] : [seen - at];
  });
  const answered = (list: readonly Paid[]): Seconds =>
    secondsOf(list.map(({ at, answeredAt }) => answeredAt - at));
  return {
    seller: seller.name,
    blockSeconds: BLOCK_SECONDS,
    payments: sent.length,
    moved: settled.length,
    answered: answered(sent),
    settled: secondsOf(settled),
    firstAnswered: answered(first),
  };
};

/**
 * Compares Countersign with scheme `exact` end to end, without stubs: the same chain with real blocks and USDC, the same facilitator and
 * tool, payments to both in the same seconds.
 */
export const measureBlocks = async (bench: Bench): Promise<readonly Selling[]> => {
  const directory = newDirectory(bench.workspace, 'blocks');
  const stack = await startStack({
    blockTime: BLOCK_SECONDS,
    persistTo: directory,
    file: join(directory, 'stack.json'),
    entry: bench.bundles.gateway.main,
    variables: { DEFAULT_POLICY: JSON.stringify(POLICY) },
  });
  const sellers: Seller[] = [];
  try {
    const buyers = people.agents.map(buyerOf);
    sellers.push(await countersign(stack.gateway, SELLER.bound, buyers.slice(0, 4)));
    sellers.push(await exactOn(bench, stack, buyers.slice(4)));
    const watcher = await watchTransfers(stack.chain);
    const first = await Promise.all(sellers.map(buyFirst));
    const sent = await Promise.all(sellers.map(sendPaced));
    const nonces = sent.flat().map(({ nonce }) => nonce);
    await watcher.all(nonces, PATIENCE_MS);
    await watcher.stop();
    return sellers.map((seller, at) => figuresOf(seller, first[at] ?? [], sent[at] ?? [], watcher));
  } catch (cause) {
    throw new Error(`blocks: ${stack.gateway.output()}`, { cause });
  } finally {
    for (const { stop } of sellers) await stop();
    await stack.stop();
  }
};
