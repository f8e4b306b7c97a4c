import { boundRequests, type GatewaySubject, startGateway } from './gateway-subject.ts';
import { type Branch, grow } from './branches.ts';
import { getRequest } from './connection.ts';
import { cpuOf, type Latency, latencyOf, shown, sum } from './flood.ts';
import { deal, type Lane, type Measured, mustAllBe, run } from './load.ts';
import { startLoad } from './paced-load.ts';
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

/** Effect of copies of an owner's settled payment on its agents, in alternating rounds without and with the copies. */
export type Replayed = {
  /** Seconds since the payment expired; 0 for a valid one. */
  readonly age: number;
  /** Answered copies a second. */
  readonly perSecond: number;
  readonly statuses: Readonly<Record<string, number>>;
  /** CPU of the gateway's process for each copy, in microseconds. */
  readonly cpuEach: number;
  readonly alone: Latency;
  readonly duringFlood: Latency;
};

/** Copies a second, each from another client address. */
const PACE = { connections: 8, perSecond: 1_000 };
const AGES = [0, 25 * 3_600] as const;
const FLEET = 16;
const CALLS = 640;
const CONNECTIONS = 4;
const WARM_UP = 320;
const ROUNDS = 2;
const CLIENTS = 4_096;

/** Signs a vanilla payment of the owner that expired `age` seconds ago. Any reader of the chain could copy it. */
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

/** Sends copies at the pace until `stop`. */
const replay = async (port: number, copies: readonly Buffer[]) => {
  const statuses: Record<string, number> = {};
  const { stop } = await startLoad(port, PACE, async (connection, number) => {
    const copy = copies[number % copies.length] ?? Buffer.alloc(0);
    const { status } = await connection.send(copy);
    statuses[status] = (statuses[status] ?? 0) + 1;
  });
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
  const blocks: { readonly alone: Measured[]; readonly duringFlood: Measured[] } = {
    alone: [],
    duringFlood: [],
  };
  const statuses: Record<string, number> = {};
  let seconds = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    blocks.alone.push(await fleet());
    const flood = await replay(gateway.port, copies);
    blocks.duringFlood.push(await fleet());
    seconds += await flood.stop();
    for (const [status, count] of Object.entries(flood.statuses)) {
      statuses[status] = (statuses[status] ?? 0) + count;
    }
  }
  return {
    age,
    perSecond: sum(statuses) / seconds,
    statuses,
    cpuEach: (cpuOf(blocks.duringFlood) - cpuOf(blocks.alone)) / sum(statuses),
    alone: latencyOf(blocks.alone),
    duringFlood: latencyOf(blocks.duringFlood),
  };
};

/** Describes the effect of copies in one sentence. */
export const replayLine = (replayed: Replayed): string => {
  const { age, perSecond, statuses, cpuEach, alone, duringFlood } = replayed;
  const answers = Object.entries(statuses).map(([status, count]) => `${count} × ${status}`);
  const what = age === 0 ? 'still valid' : `expired ${age / 3_600} hours ago`;
  return (
    `A flood of ${perSecond.toFixed(0)} copies a second of an owner's settled payment (${what}) from changing clients (${answers.join(', ')}; ` +
    `${cpuEach.toFixed(0)} µs of CPU each). Its ${FLEET} agents: p50 ${shown(alone.p50)} → ${shown(duringFlood.p50)} ms, ` +
    `p99 ${shown(alone.p99)} → ${shown(duringFlood.p99)} ms, ${(duringFlood.p99.median / alone.p99.median).toFixed(2)} times.`
  );
};

/** Measures the agents of an owner without and with copies of a payment of the owner, whose account leases them their limits. */
export const measureReplays = async (
  bench: Bench,
  upstream: Upstream,
): Promise<readonly Replayed[]> => {
  const gateway = await startGateway(bench, upstream, { tools: 1 });
  try {
    const [owner, ...fleet] = agents(FLEET + 1);
    if (owner === undefined) throw new Error('There is no agent.');
    const branch: Branch = { ancestors: [owner.address], agents: fleet, isRuled: false };
    // First, because the payment that makes the owner known exceeds the limits that `grow` writes.
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
      if (age === 0) mustAllBe(await run(gateway.port, [[first]], gateway), 200, 'owner');
      // The payment settles within a second.
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
