import {
  AGENTS,
  apiKey,
  batchSettlement,
  bound,
  exact,
  type Contender,
  type Open,
  vanilla,
} from './contenders.ts';
import { deal, type Measured, mustAllBe, runOut } from './load.ts';
import type { Bench, Upstream } from './subject.ts';

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
  { agents: 1, connections: 1, requests: 80 },
  { agents: 1, connections: 16, requests: 320 },
  { agents: 1, connections: 64, requests: 512 },
];
const MANY: readonly Cell[] = ONE.map((cell) => ({ ...cell, agents: AGENTS }));
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
    name: ENTRANT.batchSettlement,
    open: batchSettlement,
    upstream: 'instant',
    // A channel accepts one voucher at a time, so one agent has one connection.
    cells: [...ONE.slice(0, 1), ...MANY],
    warmUp: WARM_UP,
  },
  {
    name: ENTRANT.vanilla,
    open: vanilla,
    upstream: 'instant',
    cells: [...ONE, ...MANY],
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

const measure = async (
  { subject, requests, afterwork }: Contender,
  { agents, connections, requests: count }: Cell,
  what: string,
): Promise<Measured> => {
  const lanes = deal(await requests(agents, count), agents, connections);
  return mustAllBe(await runOut(subject.port, lanes, subject, afterwork), 200, what);
};

/** Measures one round of an entrant: a fresh process, a warm-up, then each cell with requests that are signed before. */
export const measureEntrant = async (
  bench: Bench,
  upstreams: Readonly<Record<Entrant['upstream'], Upstream>>,
  { name, open, upstream, cells, warmUp }: Entrant,
): Promise<readonly Result[]> => {
  const contender = await open(bench, upstreams[upstream]);
  try {
    if (warmUp > 0) {
      const cell = { agents: AGENTS, connections: 16, requests: warmUp };
      await measure(contender, cell, `${name}, warm-up`);
    }
    const results: Result[] = [];
    for (const cell of cells) {
      results.push({ ...cell, entrant: name, measured: await measure(contender, cell, name) });
    }
    return results;
  } catch (cause) {
    throw new Error(`${name}: ${contender.subject.output()}`, { cause });
  } finally {
    await contender.subject.stop();
  }
};
