import type { CellFigures, Results, VerifierFigures } from './results.ts';
import { ENTRANT } from './calls.ts';
import { AGENTS } from './contenders.ts';
import { slowdown } from './flood.ts';

/** Figures that a change must not make worse. Ratios are the peer's figure divided by Countersign's: more is better, except where noted. */
export type Gates = {
  /** CPU, hot; the lower of one signer and 256. */
  readonly verifyVsViem: number;
  /** CPU of the first verification of a fresh isolate. */
  readonly firstVerifyVsViem: number;
  /** CPU of a bound call of a hundred agents, sixteen concurrent. */
  readonly callVsBatchSettlement: number;
  readonly callVsExactInstant: number;
  /** Median latency of sequential calls. */
  readonly latencyVsExact2s: number;
  /** Accepted calls of 64 concurrent ones of one agent; the minimum of all rounds. */
  readonly concurrentAccepted: number;
  readonly rowsPerCallAlone: number;
  readonly rowsPerCall32: number;
  /** Median latency with a million remembered calls, divided by that with none: less is better. */
  readonly growth1e6: number;
  /** p99 during a moderate flood of invalid signatures, divided by p99 without: less is better. */
  readonly floodP99: number;
  readonly gzipKiB: number;
};

/** Finds the figures of an entrant with many agents, by the number of connections. */
export const cellOf = (
  { calls = [] }: Pick<Results, 'calls'>,
  entrant: string,
  connections: number,
): CellFigures => {
  const found = calls.find(
    (cell) =>
      cell.entrant === entrant && cell.agents === AGENTS && cell.connections === connections,
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
  return {
    callVsBatchSettlement:
      cellOf(results, ENTRANT.batchSettlement, 16).cpuPerRequest.median / bound,
    callVsExactInstant: cellOf(results, ENTRANT.exactInstant, 16).cpuPerRequest.median / bound,
    latencyVsExact2s:
      cellOf(results, ENTRANT.exactSlow, 1).p50.median /
      cellOf(results, ENTRANT.bound, 1).p50.median,
  };
};

const growthGates = ({ growth }: Results): Partial<Gates> => {
  if (growth === undefined) return {};
  const [empty, full] = growth.map(({ alone }) => alone.p50.median);
  return { growth1e6: (full ?? Number.NaN) / (empty ?? Number.NaN) };
};

/** Computes the gates of the parts that ran. */
export const gatesOf = (results: Results): Partial<Gates> => {
  const { concurrency, rows, gzipKiB, flood: [moderate] = [] } = results;
  const gates: Partial<Gates> = {
    ...verificationGates(results),
    ...callGates(results),
    ...(concurrency && {
      concurrentAccepted: Math.min(...concurrency.map(({ accepted }) => accepted)),
    }),
    ...(rows && { rowsPerCallAlone: rows.alone, rowsPerCall32: rows.atOnce }),
    ...growthGates(results),
    ...(moderate && { floodP99: slowdown(moderate) }),
    gzipKiB,
  };
  return Object.fromEntries(
    Object.entries(gates).map(([name, value]) => [name, Number(value.toFixed(3))]),
  );
};
