import { join } from 'node:path';
import { parseEther } from 'viem';
import type { Hex } from '../../src/core/hex.ts';
import { CHAIN_ID } from '../stack/chain-access.ts';
import { type Gateway, startGateway } from '../stack/gateway.ts';
import { people, person } from '../stack/people.ts';
import { type Stack, startStack } from '../stack/stack.ts';
import { getRequest } from './connection.ts';
import { type Flow, flowOf } from './flow.ts';
import { POLICY } from './gateway-subject.ts';
import { type Pace, startLoad } from './paced-load.ts';
import { startFacilitatorProcess } from '../stack/facilitator-process.ts';
import type { RunningServer } from '../stack/loopback.ts';
import { buyFirst, countersign, exactOn, PAYEE, SELLER, type Seller } from './sellers.ts';
import { agents, type BenchAgent, nonceOf } from './signing.ts';
import { type Bench, newDirectory, TARGET } from './subject.ts';
import { type TransferWatcher, watchTransfers } from './transfer-watcher.ts';

/** A load of one seller, on a chain with blocks of `blockSeconds`. */
export type Sustained = Flow & {
  readonly seller: Seller['name'];
  readonly blockSeconds: number;
  /** Payments a second that the buyers offered; null: as many as 64 connections get answers for. */
  readonly offered: number | null;
  readonly seconds: number;
  /** Answers other than 200, by status. */
  readonly rejected: Readonly<Record<string, number>>;
};

const BLOCK_SECONDS = 2;
const CONNECTIONS = 64;
const BUYERS = 32;
/** USDC of each buyer, in atomic units: $1,000. */
const FUNDS = 1_000_000_000n;
/** Seconds of load before a measurement begins: the first blocks of a load settle fewer payments. */
const RAMP_SECONDS = 4;

/** A load of a seller. `patience`: seconds to wait for the last settlements, which the delays include. */
type Plan = { readonly pace: Pace; readonly seconds: number; readonly patience: number };

/** Each of the 64 connections sends as soon as it has an answer. */
const UNPACED: Pace = { connections: CONNECTIONS };
const EXACT: Plan = { pace: UNPACED, seconds: 10, patience: 0 };
const HUNDRED: Plan = {
  pace: { connections: CONNECTIONS, perSecond: 100 },
  seconds: 10,
  patience: 20,
};
/** About twice what `exact` settles. */
const FACILITATOR_PER_SECOND = 60;

const sustained = (perSecond: number): Plan => ({
  pace: { connections: CONNECTIONS, perSecond },
  seconds: 60,
  patience: 0,
});

const sleep = (seconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, seconds * 1_000));

/** Loads one seller, and measures from the end of the ramp on. */
const load = async (
  { name, port, buyers, vanilla }: Seller,
  { pace, seconds, patience }: Plan,
  watcher: TransferWatcher,
): Promise<Sustained> => {
  const accepted: { readonly nonce: Hex; readonly at: number }[] = [];
  const rejected: Record<string, number> = {};
  const { stop } = await startLoad(port, pace, async ({ send }, number) => {
    const buyer = buyers[number % buyers.length];
    if (buyer === undefined) throw new Error('There is no buyer.');
    const payment = vanilla(buyer);
    const { status } = await send(getRequest(port, TARGET, { 'PAYMENT-SIGNATURE': payment }));
    if (status === 200) accepted.push({ nonce: nonceOf(payment), at: performance.now() });
    else rejected[status] = (rejected[status] ?? 0) + 1;
  });
  await sleep(RAMP_SECONDS);
  const began = performance.now();
  await sleep(seconds);
  await stop();
  const nonces = accepted.map(({ nonce }) => nonce);
  await watcher.all(nonces, patience * 1_000);
  const sales = accepted.map(({ nonce, at }) => ({
    acceptedAt: (at - began) / 1_000,
    settledAt: ((watcher.at(nonce) ?? Number.POSITIVE_INFINITY) - began) / 1_000,
  }));
  return {
    seller: name,
    blockSeconds: BLOCK_SECONDS,
    offered: pace.perSecond ?? null,
    seconds,
    ...flowOf(sales, seconds),
    rejected,
  };
};

const RELAYER = person('bench relayer');

/** Limit on the requests of one client in ten seconds: all buyers of the bench are one client. */
const SHIELD = 1_000_000;

/**
 * Starts a second gateway on the chain of the stack. Its relayer settles, without a facilitator; the gateway itself is the facilitator of
 * `@x402/hono`.
 */
const startRelayed = async (bench: Bench, { chain, upstream }: Stack): Promise<Gateway> => {
  await chain.client.setBalance({ address: RELAYER.address, value: parseEther('1000') });
  return await startGateway({
    persistTo: newDirectory(bench.workspace, 'relayer'),
    rpc: chain.rpc,
    facilitators: [],
    upstreamUrl: upstream.url,
    payTo: people.payTo,
    entry: bench.bundles.gateway.main,
    shield: SHIELD,
    variables: {
      FACILITATES: JSON.stringify({ [`eip155:${CHAIN_ID}`]: [PAYEE.address] }),
      RELAYERS: JSON.stringify({ [`eip155:${CHAIN_ID}`]: { addresses: [RELAYER.address] } }),
      RELAYER_KEY: RELAYER.privateKey,
      DEFAULT_POLICY: JSON.stringify(POLICY),
    },
  });
};

/** Funds buyers and sends their first payments, so that the sellers know them. */
const introduce = async ({ chain }: Stack, sellers: readonly Seller[]): Promise<void> => {
  const buyers = sellers.flatMap((seller) => seller.buyers);
  // Race: the first transfer to an account without USDC takes 17,100 more gas. The facilitator estimates on the pending block, where the
  // relayer's transaction comes before; a block that orders them the other way reverts every payment of the facilitator.
  await Promise.all(
    [people.payTo, PAYEE.address].map(async (payee) => await chain.fund(payee, 1n)),
  );
  await Promise.all(buyers.map(async ({ address }) => await chain.fund(address, FUNDS)));
  await Promise.all(sellers.map(buyFirst));
};

/**
 * Raises the payments that buyers offer to a gateway with a relayer, on a real chain, as long as `goesOn`.
 *
 * @param rates payments a second, ascending.
 */
export const measureRelayed = async (
  bench: Bench,
  rates: readonly number[],
  goesOn: (measured: Sustained) => boolean,
  print: (line: string) => void,
): Promise<readonly Sustained[]> => {
  const directory = newDirectory(bench.workspace, 'relayed');
  const stack = await startStack({
    blockTime: BLOCK_SECONDS,
    persistTo: directory,
    file: join(directory, 'stack.json'),
    entry: bench.bundles.gateway.main,
  });
  const ending: (() => Promise<void>)[] = [stack.stop];
  try {
    const relayed = await startRelayed(bench, stack);
    ending.unshift(relayed.stop);
    const seller = await countersign(relayed, SELLER.relayer, agents(BUYERS));
    const watcher = await watchTransfers(stack.chain);
    ending.unshift(watcher.stop);
    await introduce(stack, [seller]);
    const measured: Sustained[] = [];
    for (const rate of rates) {
      const result = await load(seller, { ...sustained(rate), seconds: 40 }, watcher);
      measured.push(result);
      print(`${rate} a second: the backlog grew by ${result.backlogGrowth.toFixed(1)} a second`);
      if (!goesOn(result)) break;
    }
    return measured;
  } finally {
    for (const end of ending) await end();
  }
};

/**
 * Measures how many payments settle while each seller sells, without stubs: a gateway with a relayer and one with a facilitator in
 * Miniflare, and `@x402/hono` with scheme `exact` in raw workerd, one after the other on the same chain. `exact` runs with the
 * facilitator of the second gateway, and in another run with the first gateway as its facilitator.
 *
 * @param perSecond payments a second that buyers offer to the gateway with the relayer.
 */
export const measureSettlement = async (
  bench: Bench,
  perSecond: number,
  print: (line: string) => void,
): Promise<readonly Sustained[]> => {
  const directory = newDirectory(bench.workspace, 'settlement');
  const ending: (() => Promise<void>)[] = [];
  let officialFacilitator: RunningServer | undefined;
  const stack = await startStack({
    wire: async (real) => {
      officialFacilitator = await startFacilitatorProcess(real.rpc);
      ending.unshift(officialFacilitator.stop);
      return { ...real, facilitators: [officialFacilitator.url] };
    },
    blockTime: BLOCK_SECONDS,
    persistTo: directory,
    file: join(directory, 'stack.json'),
    entry: bench.bundles.gateway.main,
    variables: { DEFAULT_POLICY: JSON.stringify(POLICY) },
  });
  ending.unshift(stack.stop);
  let relayed: Gateway | undefined;
  try {
    relayed = await startRelayed(bench, stack);
    ending.unshift(relayed.stop);
    const all = agents(4 * BUYERS);
    const some = (at: number): readonly BenchAgent[] => all.slice(at * BUYERS, (at + 1) * BUYERS);
    const relayer = await countersign(relayed, SELLER.relayer, some(0));
    const facilitator = await countersign(stack.gateway, SELLER.facilitator, some(1));
    const { facilitator: unused, upstream } = stack;
    const exact = await exactOn(
      bench,
      { facilitator: officialFacilitator ?? unused, upstream },
      some(2),
    );
    ending.unshift(exact.stop);
    const facilitated = await exactOn(
      bench,
      { facilitator: { url: `${relayed.url}/facilitator` }, upstream },
      some(3),
      SELLER.facilitated,
    );
    ending.unshift(facilitated.stop);
    const watcher = await watchTransfers(stack.chain);
    await introduce(stack, [relayer, facilitator, exact, facilitated]);
    const measured: Sustained[] = [];
    const run = async (seller: Seller, plan: Plan): Promise<void> => {
      const result = await load(seller, plan, watcher);
      measured.push(result);
      print(
        `${seller.name}: ${result.accepted.median.toFixed(0)} accepted and ${result.settled.median.toFixed(0)} settled a second`,
      );
    };
    await run(relayer, HUNDRED);
    await run(relayer, sustained(perSecond));
    await run(facilitated, EXACT);
    await relayed.stop();
    await run(exact, EXACT);
    await run(facilitator, sustained(FACILITATOR_PER_SECOND));
    await watcher.stop();
    return measured;
  } catch (cause) {
    const outputs = [stack.gateway.output(), relayed?.output() ?? ''].join('\n');
    throw new Error(`settlement: ${outputs}`, { cause });
  } finally {
    for (const end of ending) await end();
  }
};
