import { setTimeout as pause } from 'node:timers/promises';
import type { Random } from '../../falsify/random.ts';
import type { Fault } from './options.ts';
import type { ChaosStage } from './stage.ts';
import { draw } from './fault-source.ts';
import type { ChainFaults } from './chain-faults.ts';

/** Failures of a whole component for some time, with the fault that enables each. */
const INCIDENTS = {
  facilitatorDown: { fault: 'facilitator', weight: 2 },
  facilitatorBusy: { fault: 'facilitator', weight: 2 },
  facilitatorLying: { fault: 'facilitator', weight: 2 },
  facilitatorRestart: { fault: 'facilitator', weight: 2 },
  allFacilitatorsDown: { fault: 'facilitator', weight: 1 },
  nodeDown: { fault: 'node', weight: 2 },
  nodeSlow: { fault: 'node', weight: 1 },
  nodeStale: { fault: 'node', weight: 2 },
  nodeWrong: { fault: 'node', weight: 2 },
  allNodesDown: { fault: 'node', weight: 1 },
  stall: { fault: 'chain', weight: 2 },
  spike: { fault: 'chain', weight: 2 },
  drop: { fault: 'chain', weight: 4 },
  poorRelayer: { fault: 'chain', weight: 2 },
  reorganisation: { fault: 'chain', weight: 5 },
  kill: { fault: 'worker', weight: 4 },
  reload: { fault: 'worker', weight: 2 },
} as const satisfies Readonly<Record<string, { readonly fault: Fault; readonly weight: number }>>;
export type Incident = keyof typeof INCIDENTS;

const NAMES = Object.keys(INCIDENTS) as Incident[];

/** Draws `count` incidents: each kind once in random order, then by weight. */
export const incidentsOf = (
  count: number,
  faults: ReadonlySet<Fault>,
  random: Random,
): readonly Incident[] => {
  const possible = NAMES.filter((name) => faults.has(INCIDENTS[name].fault));
  if (possible.length === 0) return [];
  const weights = Object.fromEntries(possible.map((name) => [name, INCIDENTS[name].weight]));
  const once = possible
    .map((name) => ({ name, at: random.integer(0, 1_000_000) }))
    .toSorted((one, other) => one.at - other.at)
    .map(({ name }) => name);
  return Array.from({ length: count }, (_, at) => once[at] ?? (draw(random, weights) as Incident));
};

export type IncidentTargets = {
  readonly stage: ChaosStage;
  readonly chainFaults: ChainFaults;
  /** The longest incident, milliseconds. */
  readonly longest: number;
  /** Time without a block, milliseconds. */
  readonly stall: number;
};

const SPIKED_BLOCKS = 6;

/** Causes an incident. Resolves when it is over. */
export const cause = async (
  { stage, chainFaults, longest, stall }: IncidentTargets,
  incident: Incident,
  random: Random,
): Promise<void> => {
  const { facilitators, nodes, stack } = stage;
  const some = <T>(all: readonly T[]): readonly T[] => [random.pick(all as [T, ...T[]])];
  const setMode = async <M extends string>(
    parts: readonly { readonly setMode: (mode: M | 'well') => void }[],
    mode: M,
  ): Promise<void> => {
    for (const part of parts) part.setMode(mode);
    await pause(random.integer(Math.ceil(longest / 3), longest));
    for (const part of parts) part.setMode('well');
  };
  /**
   * Restarts the facilitators after a while, as their operators would, because a lost transaction leaves a gap in their transaction nonces.
   */
  const restartSoon = async (): Promise<void> => {
    await pause(random.integer(Math.ceil(longest / 4), Math.ceil(longest / 2)));
    for (const facilitator of facilitators) facilitator.restart();
  };
  switch (incident) {
    case 'facilitatorDown':
      return await setMode(some(facilitators), 'down');
    case 'facilitatorBusy':
      return await setMode(some(facilitators), 'busy');
    case 'facilitatorLying':
      return await setMode(some(facilitators), 'lying');
    case 'allFacilitatorsDown':
      return await setMode(facilitators, 'down');
    case 'facilitatorRestart':
      for (const facilitator of some(facilitators)) facilitator.restart();
      return undefined;
    case 'nodeDown':
      return await setMode(some(nodes), 'down');
    case 'nodeSlow':
      return await setMode(some(nodes), 'slow');
    case 'nodeStale':
      return await setMode(some(nodes), 'stale');
    case 'nodeWrong':
      return await setMode(some(nodes), 'wrong');
    case 'allNodesDown':
      return await setMode(nodes, 'down');
    case 'stall':
      return await chainFaults.stall(stall);
    case 'spike':
      return await chainFaults.spike(SPIKED_BLOCKS);
    case 'poorRelayer':
      return await chainFaults.emptyRelayer(random.integer(Math.ceil(longest / 3), longest));
    case 'drop':
      if (await chainFaults.drop(random)) await restartSoon();
      return undefined;
    case 'reorganisation':
      await chainFaults.reorganise(random);
      return await restartSoon();
    case 'kill':
      await stack.gateway.kill();
      await pause(random.integer(0, 1_000));
      return await stack.gateway.restart();
    case 'reload':
      await stage.reload();
      return await pause(2_000);
  }
};
