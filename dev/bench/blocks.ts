import { join } from 'node:path';
import type { Hex } from '../../src/core/hex.ts';
import { startStack } from '../stack/stack.ts';
import { type Moved, watchMoved } from './moved.ts';
import { countersign, exactOn, type Purchase, type Seller } from './sellers.ts';
import { nonceOf } from './signing.ts';
import { quantile } from './statistics.ts';
import { type Bench, newDirectory } from './subject.ts';

/** Seconds from a paid request to its answer, and to the block that its money moves in, on a chain with blocks of so many seconds. */
export type Selling = {
  readonly seller: string;
  readonly blockSeconds: number;
  readonly payments: number;
  /** How many of them the chain has moved; what is not among them is in no figure. */
  readonly moved: number;
  readonly answered: Seconds;
  readonly settled: Seconds;
  /** Seconds to the answer of a buyer's first payment of all. */
  readonly firstAnswered: Seconds;
};

type Seconds = { readonly p50: number; readonly p99: number };

const BLOCK_SECONDS = 2;
const PAYMENTS = 40;
/** Between two payments to one seller: no divisor of a block's time, so that they meet it at all its ages. */
const PACE_MS = 430;
const PATIENCE_MS = 30_000;

type Sent = { readonly nonce: Hex; readonly at: number; readonly answeredAt: number };

const secondsOf = (times: readonly number[]): Seconds => ({
  p50: quantile(times, 0.5) / 1_000,
  p99: quantile(times, 0.99) / 1_000,
});

const send = async ({ url, payment }: Purchase): Promise<Sent> => {
  const at = performance.now();
  const answer = await fetch(url, { headers: { 'PAYMENT-SIGNATURE': payment } });
  const text = await answer.text();
  const answeredAt = performance.now();
  if (answer.status === 200) return { nonce: nonceOf(payment), at, answeredAt };
  throw new Error(`${url} answered ${answer.status}: ${text}`);
};

/** Each buyer's first payment, all at once. */
const begin = async ({ buyers, first }: Seller): Promise<readonly Sent[]> =>
  await Promise.all(buyers.map(async (buyer) => await send(first(buyer))));

/** One payment after the other at an even pace, whether those before it are answered or not. */
const buy = async ({ buyers, next }: Seller): Promise<readonly Sent[]> => {
  const sending: Promise<Sent>[] = [];
  const began = performance.now();
  for (let number = 0; number < PAYMENTS; number += 1) {
    const wait = began + number * PACE_MS - performance.now();
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, wait)));
    const buyer = buyers[number % buyers.length];
    if (buyer === undefined) throw new Error('There is nobody to buy.');
    const sent = send(next(buyer));
    // It is waited for below, with all the others.
    sent.catch(() => {});
    sending.push(sent);
  }
  return await Promise.all(sending);
};

const figuresOf = (
  seller: Seller,
  first: readonly Sent[],
  sent: readonly Sent[],
  moved: Moved,
): Selling => {
  const settled = sent.flatMap(({ nonce, at }) => {
    const seen = moved.at(nonce);
    return seen === undefined ? [] : [seen - at];
  });
  const answered = (list: readonly Sent[]): Seconds =>
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
 * The whole of Countersign beside `exact`, end to end: the same chain of real blocks with real USDC, the same facilitator, the same tool,
 * payments to both in the same seconds. Nothing is a stub.
 */
export const measureBlocks = async (bench: Bench): Promise<readonly Selling[]> => {
  const directory = newDirectory(bench.workspace, 'blocks');
  const stack = await startStack({
    blockTime: BLOCK_SECONDS,
    persistTo: directory,
    file: join(directory, 'stack.json'),
    entry: bench.bundles.gateway.main,
  });
  const sellers: Seller[] = [];
  try {
    sellers.push(await countersign(stack), await exactOn(bench, stack));
    const moved = await watchMoved(stack.chain);
    const first = await Promise.all(sellers.map(begin));
    const sent = await Promise.all(sellers.map(buy));
    const nonces = sent.flat().map(({ nonce }) => nonce);
    await moved.all(nonces, PATIENCE_MS);
    await moved.stop();
    return sellers.map((seller, at) => figuresOf(seller, first[at] ?? [], sent[at] ?? [], moved));
  } catch (cause) {
    throw new Error(`blocks: ${stack.gateway.output()}`, { cause });
  } finally {
    for (const { stop } of sellers) await stop();
    await stack.stop();
  }
};
