import type { CellFigures, Results, VerifierFigures } from './results.ts';
import { ENTRANT } from './calls.ts';
import { AGENTS } from './contenders.ts';
import { slowdown } from './flood.ts';
import { SELLER } from './sellers.ts';
import type { Sustained } from './settlement.ts';
import { median } from './statistics.ts';

/** Figures that a change must not make worse. Ratios are the peer's figure divided by Countersign's: more is better, except where noted. */
export type Gates = {
  /** CPU, hot: the lower of the ratios for one signer and for 256. */
  readonly verifyVsViem: number;
  /** CPU of the first verification of a fresh isolate. */
  readonly firstVerifyVsViem: number;
  /** CPU of a bound call of a hundred agents, sixteen concurrent. */
  readonly callVsBatchSettlement: number;
  readonly vanillaVsBatchSettlement: number;
  readonly callVsExactInstant: number;
  /** CPU of a bound call of one agent, sixteen concurrent; the peer's is that of a hundred agents, because a channel takes one call at a time. */
  readonly oneAgentVsBatchSettlement: number;
  /** Microseconds of CPU of a bound call of one agent, 64 concurrent: less is better. */
  readonly oneAgentMicroseconds: number;
  /** Bound calls a second of one agent, 64 concurrent: the maximum of one Durable Object. */
  readonly oneAgentPerSecond: number;
  /** Milliseconds of CPU of the first bound call of a fresh process: less is better. */
  readonly firstCallMs: number;
  /** Median latency of sequential calls. */
  readonly latencyVsExact2s: number;
  /** Accepted calls of 64 concurrent ones of one agent; the minimum of all rounds. */
  readonly concurrentAccepted: number;
  /** Median latency with a million remembered calls, divided by that with none: less is better. */
  readonly growth1e6: number;
  /** Milliseconds of the first call to a sleeping object with a million remembered calls: less is better. */
  readonly wakeMs1e6: number;
  /** p99 during a moderate flood of invalid signatures, divided by p99 without: less is better. */
  readonly floodP99: number;
  /** Under sustained load: payments a second that the relayer settles, and by which its backlog grows (less is better). */
  readonly relayerPerSecond: number;
  readonly relayerBacklogGrowth: number;
  /** p99 of the seconds from acceptance to settlement by the relayer, at a hundred payments a second: less is better. */
  readonly relayerP99At100: number;
  /** Payments a second that settle through the facilitator, divided by those of `exact`: more is better. */
  readonly facilitatorVsExact: number;
  /** JavaScript that every isolate loads. */
  readonly gzipKiB: number;
};

/** Finds the figures of an entrant for a number of connections and of agents. */
export const cellOf = (
  { calls = [] }: Pick<Results, 'calls'>,
  entrant: string,
  connections: number,
  agents: number = AGENTS,
): CellFigures => {
  const found = calls.find(
    (cell) =>
      cell.entrant === entrant && cell.agents === agents && cell.connections === connections,
  );
  if (found === undefined) throw new Error(`${entrant} was not measured at ${connections}.`);
  return found;
};

/** Finds the figures of a verifier. */
export const verifierOf = (
  { verification = [] }: Pick<Results, 'verification'>,
  name: VerifierFigures['verifier'],
): VerifierFigures => {
  const found = verification.find(({ verifier }) => verifier === name);
  if (found === undefined) throw new Error(`${name} was not measured.`);
  return found;
};

const verificationGates = (results: Results): Partial<Gates> => {
  if (results.verification === undefined) return {};
  const viem = verifierOf(results, 'viem verifyTypedData');
  const ours = verifierOf(results, 'countersign');
  return {
    verifyVsViem: Math.min(
      viem.hotOne.median / ours.hotOne.median,
      viem.hotMany.median / ours.hotMany.median,
    ),
    firstVerifyVsViem: viem.first.median / ours.first.median,
  };
};

const callGates = (results: Results): Partial<Gates> => {
  if (results.calls === undefined) return {};
  const bound = cellOf(results, ENTRANT.bound, 16).cpuPerRequest.median;
  const batchSettlement = cellOf(results, ENTRANT.batchSettlement, 16).cpuPerRequest.median;
  return {
    callVsBatchSettlement: batchSettlement / bound,
    vanillaVsBatchSettlement:
      batchSettlement / cellOf(results, ENTRANT.vanilla, 16).cpuPerRequest.median,
    oneAgentVsBatchSettlement:
      batchSettlement / cellOf(results, ENTRANT.bound, 16, 1).cpuPerRequest.median,
    oneAgentMicroseconds: cellOf(results, ENTRANT.bound, 64, 1).cpuPerRequest.median,
    oneAgentPerSecond: cellOf(results, ENTRANT.bound, 64, 1).perSecond.median,
    callVsExactInstant: cellOf(results, ENTRANT.exactInstant, 16).cpuPerRequest.median / bound,
    latencyVsExact2s:
      cellOf(results, ENTRANT.exactSlow, 1).p50.median /
      cellOf(results, ENTRANT.bound, 1).p50.median,
  };
};

const growthGates = ({ growth }: Results): Partial<Gates> => {
  if (growth === undefined) return {};
  const [empty, full] = [growth.at(0), growth.at(-1)];
  return {
    growth1e6: (full?.alone.p50.median ?? Number.NaN) / (empty?.alone.p50.median ?? Number.NaN),
    wakeMs1e6: full?.wakeMs.median ?? Number.NaN,
  };
};

const settlementGates = ({ settlement }: Results): Partial<Gates> => {
  if (settlement === undefined) return {};
  const runsOf = (seller: string): readonly Sustained[] =>
    settlement.filter((run) => run.seller === seller);
  const settledBy = (seller: string): number =>
    median(runsOf(seller).flatMap(({ settled }) => settled.values));
  const [hundred, most] = runsOf(SELLER.relayer);
  return {
    relayerPerSecond: most?.settled.median ?? Number.NaN,
    relayerBacklogGrowth: most?.backlogGrowth ?? Number.NaN,
    relayerP99At100: hundred?.delay.p99 ?? Number.NaN,
    facilitatorVsExact: settledBy(SELLER.facilitator) / settledBy(SELLER.exact),
  };
};

/** Computes the gates of the parts that ran. */
export const gatesOf = (results: Results): Partial<Gates> => {
  const { concurrency, firstCall, gzipKiB, flood: [moderate] = [] } = results;
  const gates: Partial<Gates> = {
    ...verificationGates(results),
    ...callGates(results),
    ...(firstCall && { firstCallMs: firstCall.median }),
    ...(concurrency && {
      concurrentAccepted: Math.min(...concurrency.map(({ accepted }) => accepted)),
    }),
    ...growthGates(results),
    ...settlementGates(results),
    ...(moderate && { floodP99: slowdown(moderate) }),
    gzipKiB,
  };
  return Object.fromEntries(
    Object.entries(gates).map(([name, value]) => [name, Number(value.toFixed(3))]),
  );
};
