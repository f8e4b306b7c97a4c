import type { Rounds, Rows } from '../../test/bench/rounds.ts';
import type { Selling } from './blocks.ts';
import type { Breadth } from './breadth.ts';
import type { Cell, Result } from './calls.ts';
import type { Concurrency } from './concurrency.ts';
import type { Flooded } from './flood.ts';
import type { Remembered } from './growth.ts';
import type { Replayed } from './replays.ts';
import type { Machine } from './machine.ts';
import { spread, type Spread } from './statistics.ts';
import type { Stand } from './trees.ts';
import type { Verification, Verifier } from './verification.ts';

/** Everything a run has measured. CPU in microseconds, times in milliseconds. */
export type Results = Run & Partial<Measured>;

/** What every run says of itself. */
type Run = {
  readonly date: string;
  readonly machine: Machine;
  readonly rounds: number;
  /** What stood in for something real: its cost is no part of a figure, or is said to be. */
  readonly stubs: readonly string[];
  /** Of the minified Worker. */
  readonly gzipKiB: number;
};

/** Each from one part of the bench: what was left out has no figures here. The first three have one value a round. */
export type Measured = {
  readonly verification: readonly VerifierFigures[];
  readonly calls: readonly CellFigures[];
  readonly concurrency: readonly Concurrency[];
  /** Of an account that remembers nothing, and of one that remembers many. */
  readonly growth: readonly Remembered[];
  readonly breadth: readonly Breadth[];
  /** Of agents that stand alone, and of others below one to three accounts; with no rules and with many. */
  readonly trees: readonly Stand[];
  /** Of a flood at a moderate pace, and of one as fast as it is answered. */
  readonly flood: readonly Flooded[];
  /** Of copies of a payment that is still valid, and of one that ended more than a day ago. */
  readonly replays: readonly Replayed[];
  /** Nothing of it is a stub. */
  readonly blocks: readonly Selling[];
  readonly rows: Rows;
  /** Calls a second through 64 children of one owner, and of as many accounts that stand alone. */
  readonly tree: Rounds;
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

export const STUBS = [
  'queues, their consumers, facilitator and chain behind them: everything settles and is exported after a second; the stub runs in the measured process, so it is counted against Countersign',
  'D1: the catalogue of an isolate is read every two seconds, and nothing has changed',
  'rate limit: counts by client, as the real one is set; analytics: agree, and forget',
  'a chain on which nobody has code or money, in the process of the tool: only the flood makes the gateway ask it',
  'payer facts: seeded into the objects, fresh for ten minutes',
  'x402 facilitator of the peers: agrees at once, or after 100 ms and 2 s; a process of its own, not counted',
  'channels of batch-settlement: put straight into its store in memory, without a deposit',
  'the tool: one process for everybody, not counted',
  'grants and policies of trees: ordered from the objects themselves, by signatures that nobody has made',
  'the chain of two-second blocks is a local one (anvil) with the real USDC; nothing else is a stub there',
] as const;

export const verifierFigures = (all: readonly Verification[]): readonly VerifierFigures[] =>
  [...Map.groupBy(all, ({ verifier }) => verifier)].map(([verifier, rounds]) => ({
    verifier,
    hotOne: spread(rounds.map(({ hotOne }) => hotOne)),
    hotMany: spread(rounds.map(({ hotMany }) => hotMany)),
    first: spread(rounds.map(({ first }) => first)),
    firstHundred: spread(rounds.map(({ firstHundred }) => firstHundred)),
  }));

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
