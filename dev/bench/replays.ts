import { boundRequests } from './gateway-subject.ts';
import { type Branch, grow } from './branches.ts';
import { getRequest, openConnection } from './connection.ts';
import { cpuOf, type Latency, latencyOf, shown, sum } from './flood.ts';
import { type GatewaySubject, startGateway } from './gateway-subject.ts';
import { deal, type Lane, type Measured, mustAllBe, run } from './load.ts';
import {
  agents,
  base64Json,
  type BenchAgent,
  type Offer,
  payloadOf,
  randomHex,
  signTransfer,
} from './signing.ts';
import { type Bench, offerOf, TARGET, type Upstream } from './subject.ts';

/** What copies of one settled payment of an owner do to the agents below it, of rounds alone and beside the copies in turn. */
export type Replayed = {
  /** How long ago the payment ended, seconds; 0 for one that is still valid. */
  readonly age: number;
  /** Copies a second that were answered. */
  readonly perSecond: number;
  readonly statuses: Readonly<Record<string, number>>;
  /** CPU of the gateway's process for each copy, microseconds. */
  readonly cpuEach: number;
  readonly alone: Latency;
  readonly beside: Latency;
};

/** As many as the issue of replays names, each from another client address. */
const PER_SECOND = 1_000;
const LANES = 8;
const AGES = [0, 25 * 3_600] as const;
const FLEET = 16;
const CALLS = 640;
const CONNECTIONS = 4;
const WARM_UP = 320;
const ROUNDS = 5;
const CLIENTS = 4_096;

/** A vanilla payment of the owner that has ended so many seconds ago. Whoever reads the chain has it. */
const paymentOf = (owner: BenchAgent, offer: Offer, age: number): string => {
  const [accepted] = offer.accepts;
  const { payTo, amount } = accepted;
  const validBefore = age === 0 ? undefined : BigInt(Math.floor(Date.now() / 1_000) - age);
  return base64Json({
    x402Version: 2,
    resource: offer.resource,
    accepted,
    payload: payloadOf(signTransfer(owner, payTo, randomHex(32), BigInt(amount), 0n, validBefore)),
  });
};

/** Sends copies at the pace, on so many connections, until it is stopped. A lane that is late sends at once. */
const replay = async (port: number, copies: readonly Buffer[]) => {
  const statuses: Record<string, number> = {};
  const lanes = await Promise.all(Array.from({ length: LANES }, () => openConnection(port)));
  const interval = (1_000 * LANES) / PER_SECOND;
  const began = performance.now();
  let stopped = false;
  let sent = 0;
  const working = lanes.map(async ({ send, close }, lane) => {
    for (let turn = 0; !stopped; turn += 1) {
      const due = began + (turn + lane / LANES) * interval - performance.now();
      if (due > 0) await new Promise((resolve) => setTimeout(resolve, due));
      sent += 1;
      const { status } = await send(copies[sent % copies.length] ?? Buffer.alloc(0));
      statuses[status] = (statuses[status] ?? 0) + 1;
    }
    close();
  });
  const stop = async (): Promise<number> => {
    stopped = true;
    await Promise.all(working);
    return (performance.now() - began) / 1_000;
  };
  return { statuses, stop };
};

const measureAge = async (
  gateway: GatewaySubject,
  age: number,
  payment: string,
  lanes: (count: number) => readonly Lane[],
  awake: () => Promise<void>,
): Promise<Replayed> => {
  const copies = Array.from({ length: CLIENTS }, (_, number) =>
    getRequest(gateway.port, TARGET, {
      'PAYMENT-SIGNATURE': payment,
      'CF-Connecting-IP': `2001:db8:${(number >> 8).toString(16)}:${(number & 255).toString(16)}::1`,
    }),
  );
  const fleet = async (): Promise<Measured> => {
    const requests = lanes(CALLS);
    await awake();
    return mustAllBe(await run(gateway.port, requests, gateway), 200, 'fleet');
  };
  const blocks: { readonly alone: Measured[]; readonly beside: Measured[] } = {
    alone: [],
    beside: [],
  };
  const statuses: Record<string, number> = {};
  let seconds = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    blocks.alone.push(await fleet());
    const flood = await replay(gateway.port, copies);
    blocks.beside.push(await fleet());
    seconds += await flood.stop();
    for (const [status, count] of Object.entries(flood.statuses)) {
      statuses[status] = (statuses[status] ?? 0) + count;
    }
  }
  return {
    age,
    perSecond: sum(statuses) / seconds,
    statuses,
    cpuEach: (cpuOf(blocks.beside) - cpuOf(blocks.alone)) / sum(statuses),
    alone: latencyOf(blocks.alone),
    beside: latencyOf(blocks.beside),
  };
};

export const replayLine = (replayed: Replayed): string => {
  const { age, perSecond, statuses, cpuEach, alone, beside } = replayed;
  const answers = Object.entries(statuses).map(([status, count]) => `${count} × ${status}`);
  const what = age === 0 ? 'still valid' : `ended ${age / 3_600} hours ago`;
  return (
    `Copies of an owner's settled payment (${what}), ${perSecond.toFixed(0)} a second from ever new clients (${answers.join(', ')}; ` +
    `${cpuEach.toFixed(0)} µs CPU each), beside ${FLEET} agents below it: p50 ${shown(alone.p50)} → ${shown(beside.p50)} ms, ` +
    `p99 ${shown(alone.p99)} → ${shown(beside.p99)} ms, ${(beside.p99.median / alone.p99.median).toFixed(2)} times.`
  );
};

/** The agents of one owner pay, alone and beside copies of a payment of their owner, whose account lends them their limits. */
export const measureReplays = async (
  bench: Bench,
  upstream: Upstream,
): Promise<readonly Replayed[]> => {
  const gateway = await startGateway(bench, upstream, { tools: 1 });
  try {
    const [owner, ...fleet] = agents(FLEET + 1);
    if (owner === undefined) throw new Error('There is no agent.');
    const branch: Branch = { above: [owner.address], agents: fleet, isRuled: false };
    // Before its limits are written: what makes a payer known is a payment larger than they allow.
    await gateway.seed([owner]);
    await grow(gateway, branch);
    const make = await boundRequests(gateway);
    const lanes = (count: number): readonly Lane[] => {
      const each = fleet.map((agent) => make(agent, count / FLEET));
      const inTurn = Array.from(
        { length: count },
        (_, at) => each[at % FLEET]?.[Math.floor(at / FLEET)],
      );
      return deal(
        inTurn.filter((request) => request !== undefined),
        FLEET,
        CONNECTIONS,
      );
    };
    const awake = () => gateway.wake([owner.address, ...fleet.map(({ address }) => address)]);
    await awake();
    await run(gateway.port, lanes(WARM_UP), gateway);
    const offer = await offerOf(gateway);
    const measured: Replayed[] = [];
    for (const age of AGES) {
      const payment = paymentOf(owner, offer, age);
      const first = getRequest(gateway.port, TARGET, { 'PAYMENT-SIGNATURE': payment });
      if (age === 0) mustAllBe(await run(gateway.port, [[first]], gateway), 200, 'the owner');
      // Its payment settles within a second.
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      measured.push(await measureAge(gateway, age, payment, lanes, awake));
    }
    return measured;
  } catch (cause) {
    throw new Error(`replays: ${gateway.output()}`, { cause });
  } finally {
    await gateway.stop();
  }
};
