import { type Address } from '../../src/core/hex.ts';
import { usdc } from '../stack/chain-access.ts';
import { type Answer, headersOf, openConnection } from './connection.ts';
import { boundRequests, type GatewaySubject, startGateway } from './gateway-subject.ts';
import { measureRelayed, type Sustained } from './settlement.ts';
import { agents, type BenchAgent, PRICE } from './signing.ts';
import { quantile } from './statistics.ts';
import type { Bench, Upstream } from './subject.ts';

/** A load of one rate. Times in milliseconds, from the moment at which a call was due to its answer. */
export type Step = {
  /** Calls a second. */
  readonly offered: number;
  readonly answered: number;
  readonly p50: number;
  readonly p99: number;
  /** Answers by status. */
  readonly statuses: Readonly<Record<string, number>>;
};

/** The load that a gateway bears, and what it does with twice as much. */
export type Capacity = {
  readonly load: string;
  readonly steps: readonly Step[];
  /** Calls a second of the last step within the limits. */
  readonly knee: number;
  /** Twice the knee. `refused`: answers that say when to come again. `lost`: all others that are not 200. */
  readonly beyond: Step & {
    readonly refused: number;
    readonly lost: number;
    /** Calls that were charged and not answered with 200, or the reverse. */
    readonly misCharged: number;
  };
};

/** Payments a second by relayer, on a chain with blocks of two seconds. */
type RelayedStep = {
  readonly offered: number;
  readonly accepted: number;
  /** Accepted payments a second that were not settled. */
  readonly backlogGrowth: number;
};

export type RelayedCapacity = {
  readonly steps: readonly RelayedStep[];
  /** The highest rate at which all payments were accepted and the backlog did not grow. */
  readonly knee: number;
};

const FIRST_RATE = 50;
const GROWTH = 1.25;
const MAX_STEPS = 16;
const SECONDS = 4;
/** The tool answers at once, so the whole time is the gateway's. */
const MAX_P99_MS = 250;
/** Calls that may be under way at once, within the knee and beyond it. */
const CONNECTIONS = 256;
const MANY_CONNECTIONS = 2_000;
const WARM_UP = 400;
const RELAYED_RATES = [100, 140, 200, 280, 400] as const;
/** A share of the offered payments that is no fluctuation. */
const MAX_SHARE = 0.05;

/** Sends each request when it is due, on whatever connection is free first. */
const offer = async (
  port: number,
  requests: readonly Buffer[],
  perSecond: number,
  connections: number,
): Promise<{ readonly step: Step; readonly answers: readonly Answer[] }> => {
  const lanes = await Promise.all(
    Array.from({ length: Math.min(connections, requests.length) }, () => openConnection(port)),
  );
  const latencies: number[] = [];
  const answers: Answer[] = [];
  const began = performance.now();
  let next = 0;
  await Promise.all(
    lanes.map(async (connection) => {
      for (let at = next++; at < requests.length; at = next++) {
        const due = began + (at * 1_000) / perSecond;
        const early = due - performance.now();
        if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
        answers.push(await connection.send(requests[at] as Buffer));
        latencies.push(performance.now() - due);
      }
      connection.close();
    }),
  );
  const seconds = (performance.now() - began) / 1_000;
  const statuses: Record<string, number> = {};
  for (const { status } of answers) statuses[status] = (statuses[status] ?? 0) + 1;
  const step = {
    offered: perSecond,
    answered: answers.length / seconds,
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
    statuses,
  };
  return { step, answers };
};

/** Atomic units that an agent's account has charged, whether they have settled or not. */
const chargedOf = async (gateway: GatewaySubject, agent: BenchAgent): Promise<bigint> => {
  const { purses } = (await gateway.snapshot(agent)) as {
    readonly purses: Readonly<
      Record<string, { readonly settled: string; readonly unsettled: string }>
    >;
  };
  const own = Object.entries(purses).find(([asset]) =>
    asset.endsWith(`erc20:${usdc.address.toLowerCase() as Address}`),
  );
  if (own === undefined) throw new Error(`${agent.address} has no purse.`);
  return BigInt(own[1].settled) + BigInt(own[1].unsettled);
};

const sum = (amounts: readonly bigint[]): bigint => amounts.reduce((all, one) => all + one, 0n);

const isRefusal = ({ status, head }: Answer): boolean =>
  (status === 503 || status === 429) && headersOf(head).has('retry-after');

/** Raises the load of some agents until the gateway is late, and then offers twice as much. */
const raise = async (bench: Bench, upstream: Upstream, count: number): Promise<Capacity> => {
  const gateway = await startGateway(bench, upstream);
  try {
    const payers = agents(count);
    await gateway.seed(payers);
    const make = await boundRequests(gateway);
    const sign = (calls: number): readonly Buffer[] =>
      Array.from({ length: calls }, (_, at) => payers[at % count] as BenchAgent).flatMap((payer) =>
        make(payer, 1),
      );
    const charged = async (): Promise<bigint> =>
      sum(await Promise.all(payers.map(async (payer) => await chargedOf(gateway, payer))));
    await offer(gateway.port, sign(WARM_UP), WARM_UP / SECONDS, CONNECTIONS);
    const steps: Step[] = [];
    let knee = 0;
    for (let rate = FIRST_RATE; steps.length < MAX_STEPS; rate = Math.round(rate * GROWTH)) {
      const { step } = await offer(gateway.port, sign(rate * SECONDS), rate, CONNECTIONS);
      steps.push(step);
      if (step.p99 > MAX_P99_MS || Object.keys(step.statuses).some((status) => status !== '200'))
        break;
      knee = rate;
    }
    const before = await charged();
    const twice = 2 * Math.max(knee, FIRST_RATE);
    const { step, answers } = await offer(
      gateway.port,
      sign(twice * SECONDS),
      twice,
      MANY_CONNECTIONS,
    );
    const paid = answers.filter(({ status }) => status === 200).length;
    const refused = answers.filter(isRefusal).length;
    const counted = Number((await charged()) - before) / Number(PRICE);
    return {
      load: count === 1 ? 'one agent' : `${count} agents`,
      steps,
      knee,
      beyond: {
        ...step,
        refused,
        lost: answers.length - paid - refused,
        misCharged: Math.abs(counted - paid),
      },
    };
  } catch (cause) {
    throw new Error(`capacity: ${gateway.output()}`, { cause });
  } finally {
    await gateway.stop();
  }
};

/** Finds how much one agent and 100 agents can buy before the gateway is late. */
export const measureCapacity = async (
  bench: Bench,
  upstream: Upstream,
): Promise<readonly Capacity[]> => [
  await raise(bench, upstream, 1),
  await raise(bench, upstream, 100),
];

const isBorne = ({ offered, accepted, backlogGrowth }: RelayedStep): boolean =>
  backlogGrowth <= MAX_SHARE * offered && accepted >= (1 - MAX_SHARE) * offered;

const stepOf = ({ offered, accepted, backlogGrowth }: Sustained): RelayedStep => ({
  offered: offered ?? 0,
  accepted: accepted.median,
  backlogGrowth,
});

/** Finds how many payments a second one relayer settles before its backlog grows. */
export const measureRelayedCapacity = async (
  bench: Bench,
  print: (line: string) => void,
): Promise<RelayedCapacity> => {
  const goesOn = (measured: Sustained): boolean => isBorne(stepOf(measured));
  const measured = await measureRelayed(bench, RELAYED_RATES, goesOn, print);
  const steps = measured.map(stepOf);
  return { steps, knee: Math.max(0, ...steps.filter(isBorne).map(({ offered }) => offered)) };
};

/** Describes a capacity in one sentence. */
export const capacityLine = ({ load, knee, steps, beyond }: Capacity): string => {
  const at = steps.find(({ offered }) => offered === knee);
  const answers = Object.entries(beyond.statuses).map(([status, many]) => `${many} × ${status}`);
  return (
    `Calls by ${load}: ${knee} a second (p99 ${at?.p99.toFixed(0) ?? '?'} ms). At ${beyond.offered} a second: ${beyond.answered.toFixed(0)} answers a second (p99 ${beyond.p99.toFixed(0)} ms), ` +
    `${answers.join(', ')}; ${beyond.refused} say when to come again, ${beyond.lost} were lost, ${beyond.misCharged} were charged wrongly.`
  );
};

/** Describes the capacity of a relayer in one sentence. */
export const relayedCapacityLine = ({ knee, steps }: RelayedCapacity): string =>
  `Sales by one relayer: ${knee} a second. Offered, accepted and added to the backlog a second: ${steps
    .map(
      ({ offered, accepted, backlogGrowth }) =>
        `${offered}, ${accepted.toFixed(0)}, ${backlogGrowth.toFixed(1)}`,
    )
    .join('; ')}.`;
