import {
  AGENTS,
  apiKey,
  batchSettlement,
  bound,
  type Contender,
  exact,
  floor,
  type Open,
  vanilla,
} from './contenders.ts';
import { deal, type Measured, mustAllBe, run, runOut } from './load.ts';
import type { Bench, Upstream } from './subject.ts';

/** Result of concurrent calls of one agent. */
export type Concurrency = {
  readonly sent: number;
  readonly accepted: number;
  /** How many ran again when each call was repeated. */
  readonly replaysRun: number;
  readonly peerAccepted: number;
};

const AT_ONCE = 64;

const lanesOf = (requests: readonly Buffer[]) => requests.map((request) => [request]);

/** Reads how often the tool has run. */
const runsOf = async ({ url }: Upstream): Promise<number> =>
  (await (await fetch(`${url}/runs`)).json()) as number;

const sendAtOnce = async (
  { subject }: Contender,
  made: readonly Buffer[],
  upstream: Upstream,
): Promise<{ readonly accepted: number; readonly runs: number }> => {
  const before = await runsOf(upstream);
  const { statuses } = await run(subject.port, lanesOf(made), subject);
  return { accepted: statuses['200'] ?? 0, runs: (await runsOf(upstream)) - before };
};

const inFreshProcess = async <T>(
  open: Open,
  bench: Bench,
  upstream: Upstream,
  measure: (contender: Contender) => Promise<T>,
): Promise<T> => {
  const contender = await open(bench, upstream);
  try {
    return await measure(contender);
  } finally {
    await contender.subject.stop();
  }
};

/** Sends 64 calls of one agent at once, then repeats all of them. Also sends as many vouchers of one channel to batch-settlement. */
export const measureConcurrency = async (
  bench: Bench,
  upstream: Upstream,
): Promise<Concurrency> => {
  const ours = await inFreshProcess(bound, bench, upstream, async (contender) => {
    const made = await contender.requests(1, AT_ONCE);
    const first = await sendAtOnce(contender, made, upstream);
    if (first.runs !== first.accepted)
      throw new Error('The number of runs differs from the number of accepted calls.');
    const again = await sendAtOnce(contender, made, upstream);
    return { accepted: first.accepted, replaysRun: again.runs };
  });
  const peer = await inFreshProcess(batchSettlement, bench, upstream, async (contender) =>
    sendAtOnce(contender, await contender.requests(1, AT_ONCE), upstream),
  );
  return { sent: AT_ONCE, ...ours, peerAccepted: peer.accepted };
};

/** Number of agents, connections and requests of a measurement. */
export type Cell = {
  readonly agents: number;
  readonly connections: number;
  readonly requests: number;
};

/** A subject of the comparison, and its measurements. */
export type Entrant = {
  readonly name: string;
  readonly open: Open;
  readonly upstream: 'instant' | 'slow';
  readonly cells: readonly Cell[];
  readonly warmUp: number;
};

/** Result of one cell in one round. */
export type Result = Cell & { readonly entrant: string; readonly measured: Measured };

const ONE: readonly Cell[] = [
  { agents: 1, connections: 16, requests: 320 },
  { agents: 1, connections: 64, requests: 1_024 },
];
const MANY: readonly Cell[] = [
  { agents: AGENTS, connections: 1, requests: 80 },
  { agents: AGENTS, connections: 16, requests: 320 },
  { agents: AGENTS, connections: 64, requests: 512 },
];
/** Enough calls for the code to be compiled. */
const WARM_UP = 17 * AGENTS;

/** Names of the entrants. */
export const ENTRANT = {
  bound: 'Countersign, bound',
  vanilla: 'Countersign, vanilla x402',
  batchSettlement: 'x402 batch-settlement, in memory',
  exactInstant: 'x402 exact, instant facilitator',
  exactSlow: 'x402 exact, 100 ms + 2 s',
  apiKey: 'API key, no state',
  floor: 'The floor: what the laws demand',
} as const;

export const ENTRANTS: readonly Entrant[] = [
  {
    name: ENTRANT.bound,
    open: bound,
    upstream: 'instant',
    cells: [...ONE, ...MANY],
    warmUp: WARM_UP,
  },
  {
    name: ENTRANT.floor,
    open: floor,
    upstream: 'instant',
    cells: [...ONE, ...MANY],
    warmUp: WARM_UP,
  },
  {
    name: ENTRANT.batchSettlement,
    open: batchSettlement,
    upstream: 'instant',
    // A channel accepts one voucher at a time, so one agent cannot be concurrent.
    cells: MANY,
    warmUp: WARM_UP,
  },
  {
    name: ENTRANT.vanilla,
    open: vanilla,
    upstream: 'instant',
    cells: MANY,
    warmUp: WARM_UP,
  },
  { name: ENTRANT.exactInstant, open: exact, upstream: 'instant', cells: MANY, warmUp: WARM_UP },
  { name: ENTRANT.apiKey, open: apiKey, upstream: 'instant', cells: MANY, warmUp: WARM_UP },
  {
    name: ENTRANT.exactSlow,
    open: exact,
    upstream: 'slow',
    cells: [
      { agents: AGENTS, connections: 1, requests: 1 },
      { agents: AGENTS, connections: 64, requests: 64 },
    ],
    warmUp: 0,
  },
];

/** Signs the requests of a cell. @returns what sends and measures them. */
const prepareCell = async (
  { subject, requests, afterwork }: Contender,
  { agents, connections, requests: count }: Cell,
  what: string,
): Promise<() => Promise<Measured>> => {
  const lanes = deal(await requests(agents, count), agents, connections);
  return async () => mustAllBe(await runOut(subject.port, lanes, subject, afterwork), 200, what);
};

/** Measures one cell. */
export const measureCell = async (
  contender: Contender,
  cell: Cell,
  what: string,
): Promise<Measured> => (await prepareCell(contender, cell, what))();

/**
 * Measures one round of an entrant: a fresh process, a warm-up, then each cell. All requests are signed before: objects fall asleep after ten
 * seconds, and a cell would measure how they wake.
 */
export const measureEntrant = async (
  bench: Bench,
  upstreams: Readonly<Record<Entrant['upstream'], Upstream>>,
  { name, open, upstream, cells, warmUp }: Entrant,
): Promise<readonly Result[]> => {
  const contender = await open(bench, upstreams[upstream]);
  try {
    const warm = { agents: AGENTS, connections: 16, requests: warmUp };
    const warmedUp =
      warmUp > 0 ? await prepareCell(contender, warm, `${name}, warm-up`) : undefined;
    const prepared: { readonly cell: Cell; readonly measure: () => Promise<Measured> }[] = [];
    for (const cell of cells) {
      prepared.push({ cell, measure: await prepareCell(contender, cell, name) });
    }
    await warmedUp?.();
    const results: Result[] = [];
    for (const { cell, measure } of prepared) {
      results.push({ ...cell, entrant: name, measured: await measure() });
    }
    return results;
  } catch (cause) {
    throw new Error(`${name}: ${contender.subject.output()}`, { cause });
  } finally {
    await contender.subject.stop();
  }
};
