import type { CellFigures, Results, VerifierFigures } from './results.ts';
import { ENTRANT } from './calls.ts';
import { AGENTS } from './contenders.ts';
import { slowdown } from './flood.ts';

/** What a change may not make worse. Ratios are the peer's figure divided by ours, so that more is better, except where they say so. */
export type Gates = {
  /** Hot, by CPU; the lower of one signer and 256. */
  readonly verifyVsViem: number;
  /** The first of a fresh isolate, by CPU. */
  readonly firstVerifyVsViem: number;
  /** A bound call of one of a hundred agents, sixteen at once, by CPU. */
  readonly callVsBatchSettlement: number;
  readonly callVsExactInstant: number;
  /** Alone, by the median latency. */
  readonly latencyVsExact2s: number;
  /** Of 64 calls that one agent sends at once; the fewest of all rounds. */
  readonly concurrentAccepted: number;
  readonly rowsPerCallAlone: number;
  readonly rowsPerCall32: number;
  /** Our median latency with a million remembered calls, divided by that with none: less is better. */
  readonly growth1e6: number;
  /** The slowest calls beside a moderate flood of invalid signatures, divided by those alone: less is better. */
  readonly floodP99: number;
  readonly gzipKiB: number;
};

/** The figures of an entrant with so many connections, called by many agents. */
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

/** Those of the parts that have run. */
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
