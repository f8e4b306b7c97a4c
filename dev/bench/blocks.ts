import { countersign, exactOn, type Purchase, type Seller } from './sellers.ts';
import { nonceOf } from './signing.ts';
import { quantile } from './statistics.ts';
import { type Bench, newDirectory } from './subject.ts';
import { type ChainAccess, usdcAbi } from '../stack/chain-access.ts';
import { startStack } from '../stack/stack.ts';
import { join } from 'node:path';
import type { Hex } from '../../src/core/hex.ts';

/** Observes when authorizations settle on a chain, by their nonces. */
type TransferWatcher = {
  readonly at: (nonce: Hex) => number | undefined;
  /** Waits until all of them have settled, or for a time limit. */
  readonly all: (nonces: readonly Hex[], milliseconds: number) => Promise<void>;
  readonly stop: () => Promise<void>;
};

/** Interval of requests to the node, and so the error of the measured times. */
const POLL_MS = 25;

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, POLL_MS));

/** Watches the logs of the token from the next block on: they show every settlement, whoever sent the transaction. */
const watchTransfers = async (chain: ChainAccess): Promise<TransferWatcher> => {
  const seen = new Map<Hex, number>();
  let stopped = false;
  let next = (await chain.client.getBlockNumber()) + 1n;
  const look = async (): Promise<void> => {
    const head = await chain.client.getBlockNumber();
    if (head < next) return;
    const logs = await chain.client.getContractEvents({
      address: chain.usdc,
      abi: usdcAbi,
      eventName: 'AuthorizationUsed',
      fromBlock: next,
      toBlock: head,
      strict: true,
    });
    const now = performance.now();
    for (const { args } of logs) seen.set(args.nonce, now);
    next = head + 1n;
  };
  const watching = (async () => {
    while (!stopped) {
      await look();
      await pause();
    }
  })();
  // `all` and `stop` report a failure; until then it must not count as unhandled.
  watching.catch(() => {});
  return {
    at: (nonce) => seen.get(nonce),
    all: async (nonces, milliseconds) => {
      const deadline = performance.now() + milliseconds;
      while (performance.now() < deadline && nonces.some((nonce) => !seen.has(nonce))) {
        await Promise.race([pause(), watching]);
      }
    },
    stop: async () => {
      stopped = true;
      await watching;
    },
  };
};

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
