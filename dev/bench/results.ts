import type { Selling } from './blocks.ts';
import type { Cell, Concurrency, Result } from './calls.ts';
import type { Flooded } from './flood.ts';
import type { Remembered } from './growth.ts';
import type { OverMcp } from './over-mcp.ts';
import type { Capacity, RelayedCapacity } from './capacity.ts';
import type { Streamed } from './streams.ts';
import type { Machine } from './machine.ts';
import type { Sustained } from './settlement.ts';
import { spread, type Spread } from './statistics.ts';
import type { Verification, Verifier } from './verification.ts';

/** Results of a run: microseconds of CPU, times in milliseconds. */
export type Results = Run & Partial<Measured>;

type Run = {
  readonly date: string;
  readonly machine: Machine;
  readonly rounds: number;
  /** Seconds that each part of the bench took. */
  readonly seconds: Readonly<Record<string, number>>;
  /** Stubs in place of real services, and whether their cost is part of the figures. */
  readonly stubs: readonly string[];
  /** JavaScript that every isolate of the gateway loads. */
  readonly gzipKiB: number;
};

/** Results by part of the bench; a part that did not run has none. The first three are measured in each round. */
export type Measured = {
  readonly verification: readonly VerifierFigures[];
  readonly calls: readonly CellFigures[];
  readonly concurrency: readonly Concurrency[];
  /** Milliseconds of CPU of the first bound call of a fresh process; part of `calls`. */
  readonly firstCall: Spread;
  /** A new account, and accounts that remember many calls. */
  readonly growth: readonly Remembered[];
  /** A moderate flood, and one that sends as fast as the gateway answers. */
  readonly flood: readonly Flooded[];
  /** One call over HTTP and over both versions of MCP. */
  readonly mcp: readonly OverMcp[];
  /** Streams of some lengths, at a fixed price and with a meter. */
  readonly streams: readonly Streamed[];
  /** How much one agent and 100 agents can buy before the gateway is late. */
  readonly capacity: readonly Capacity[];
  /** How much one relayer settles; without stubs. */
  readonly relayedCapacity: RelayedCapacity;
  /** End to end, without stubs. */
  readonly blocks: readonly Selling[];
  /** Sustained sales and settlements. `exact` has several runs. */
  readonly settlement: readonly Sustained[];
};

export type VerifierFigures = {
  readonly verifier: Verifier['name'];
  readonly hotOne: Spread;
  readonly hotMany: Spread;
  readonly first: Spread;
  readonly firstHundred: Spread;
};

export type CellFigures = Cell & {
  readonly entrant: string;
  readonly cpuPerRequest: Spread;
  readonly cpuUntilAnswered: Spread;
  readonly perSecond: Spread;
  readonly p50: Spread;
  readonly p99: Spread;
};

/** Stubs of the bench, for the report. */
export const STUBS = [
  'queues with their consumers, facilitator and chain: every payment settles and every entry is exported after a second; the stub runs in the measured process, so its cost counts against Countersign',
  'D1: a paid call sends no query to it',
  'rate limit: counts by client with the configured limit; analytics: discards the points',
  'chain: every account is empty and without code; runs in the process of the tool, and only the flood makes the gateway send requests to it',
  'payer facts: written into the objects, fresh for ten minutes',
  'x402 facilitator of the peers: accepts at once, or after 100 ms and 2 s; in a process of its own, not counted',
  'channels of batch-settlement: written into its store in memory, without a deposit',
  'tool: one process for all subjects, not counted',
  'the parts `blocks` and `settlement` run on a local chain (anvil) with the real code of USDC, and have no stub',
] as const;

/** Summarises the rounds of each verifier. */
export const verifierFigures = (all: readonly Verification[]): readonly VerifierFigures[] =>
  [...Map.groupBy(all, ({ verifier }) => verifier)].map(([verifier, rounds]) => ({
    verifier,
    hotOne: spread(rounds.map(({ hotOne }) => hotOne)),
    hotMany: spread(rounds.map(({ hotMany }) => hotMany)),
    first: spread(rounds.map(({ first }) => first)),
    firstHundred: spread(rounds.map(({ firstHundred }) => firstHundred)),
  }));

/** Summarises the rounds of each cell. */
export const cellFigures = (all: readonly Result[]): readonly CellFigures[] => {
  const cells = Map.groupBy(all, ({ entrant, agents, connections }) =>
    JSON.stringify([entrant, agents, connections]),
  );
  return [...cells.values()].flatMap((rounds) => {
    const [first] = rounds;
    if (first === undefined) return [];
    const { entrant, agents, connections, requests } = first;
    const of = (
      figure: 'cpuPerRequest' | 'cpuUntilAnswered' | 'perSecond' | 'p50' | 'p99',
    ): Spread => spread(rounds.map(({ measured }) => measured[figure]));
    return [
      {
        entrant,
        agents,
        connections,
        requests,
        cpuPerRequest: of('cpuPerRequest'),
        cpuUntilAnswered: of('cpuUntilAnswered'),
        perSecond: of('perSecond'),
        p50: of('p50'),
        p99: of('p99'),
      },
    ];
  });
};
