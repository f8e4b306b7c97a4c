import { join } from 'node:path';
import type { Hex } from '../../src/core/hex.ts';
import { startStack } from '../stack/stack.ts';
import { type TransferWatcher, watchTransfers } from './transfer-watcher.ts';
import { countersign, exactOn, type Purchase, type Seller } from './sellers.ts';
import { nonceOf } from './signing.ts';
import { quantile } from './statistics.ts';
import { type Bench, newDirectory } from './subject.ts';

/** Seconds from a paid request to its answer and to its settlement, on a chain with blocks of `blockSeconds`. */
export type Selling = {
  readonly seller: string;
  readonly blockSeconds: number;
  readonly payments: number;
  /** How many of them settled; the others are in no figure. */
  readonly moved: number;
  readonly answered: Seconds;
  readonly settled: Seconds;
  /** Seconds to the answer of the first payment of each buyer. */
  readonly firstAnswered: Seconds;
};

type Seconds = { readonly p50: number; readonly p99: number };

const BLOCK_SECONDS = 2;
const PAYMENTS = 40;
/** Between two payments to one seller. Not a divisor of the block time, so that payments arrive at all phases of a block. */
const PACE_MS = 430;
const PATIENCE_MS = 30_000;

type Paid = { readonly nonce: Hex; readonly at: number; readonly answeredAt: number };

const secondsOf = (times: readonly number[]): Seconds => ({
  p50: quantile(times, 0.5) / 1_000,
  p99: quantile(times, 0.99) / 1_000,
});

const send = async ({ url, payment }: Purchase): Promise<Paid> => {
  const at = performance.now();
  const answer = await fetch(url, { headers: { 'PAYMENT-SIGNATURE': payment } });
  const text = await answer.text();
  const answeredAt = performance.now();
  if (answer.status === 200) return { nonce: nonceOf(payment), at, answeredAt };
  throw new Error(`${url} answered ${answer.status}: ${text}`);
};

/** Sends the first payment of each buyer, all at once. */
const sendFirst = async ({ buyers, first }: Seller): Promise<readonly Paid[]> =>
  await Promise.all(buyers.map(async (buyer) => await send(first(buyer))));

/** Sends payments at an even pace, without waiting for answers. */
const sendPaced = async ({ buyers, next }: Seller): Promise<readonly Paid[]> => {
  const sending: Promise<Paid>[] = [];
  const began = performance.now();
  for (let number = 0; number < PAYMENTS; number += 1) {
    const wait = began + number * PACE_MS - performance.now();
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, wait)));
    const buyer = buyers[number % buyers.length];
    if (buyer === undefined) throw new Error('There is no buyer.');
    const sent = send(next(buyer));
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
  });
  const sellers: Seller[] = [];
  try {
    sellers.push(await countersign(stack), await exactOn(bench, stack));
    const watcher = await watchTransfers(stack.chain);
    const first = await Promise.all(sellers.map(sendFirst));
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
