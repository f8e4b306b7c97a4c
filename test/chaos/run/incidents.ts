import type { Random } from '../../falsify/random.ts';
import type { Fault } from './options.ts';
import type { ChaosStage } from './stage.ts';
import { draw } from './fault-source.ts';
import type { Weather } from './chain-faults.ts';

/** What happens to a whole part at once, and for some time. */
const UPHEAVALS = {
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
export type Upheaval = keyof typeof UPHEAVALS;

const NAMES = Object.keys(UPHEAVALS) as Upheaval[];

/** Each kind once, in an order of luck, then as often as its weight says. */
export const upheavalsOf = (
  count: number,
  faults: ReadonlySet<Fault>,
  random: Random,
): readonly Upheaval[] => {
  const possible = NAMES.filter((name) => faults.has(UPHEAVALS[name].fault));
  if (possible.length === 0) return [];
  const weights = Object.fromEntries(possible.map((name) => [name, UPHEAVALS[name].weight]));
  const once = possible
    .map((name) => ({ name, at: random.integer(0, 1_000_000) }))
    .toSorted((one, other) => one.at - other.at)
    .map(({ name }) => name);
  return Array.from({ length: count }, (_, at) => once[at] ?? (draw(random, weights) as Upheaval));
};

export type Sky = {
  readonly stage: ChaosStage;
  readonly weather: Weather;
  /** Milliseconds that a part is troubled, at most. */
  readonly longest: number;
  /** Milliseconds without a block. */
  readonly stall: number;
};

const pause = async (milliseconds: number): Promise<void> =>
  await new Promise((resolve) => setTimeout(resolve, milliseconds));

const SPIKED_BLOCKS = 6;

/** Lets one happen, and be over. */
export const befall = async (
  { stage, weather, longest, stall }: Sky,
  upheaval: Upheaval,
  luck: Random,
): Promise<void> => {
  const { facilitators, nodes, stack } = stage;
  const some = <T>(all: readonly T[]): readonly T[] => [luck.pick(all as [T, ...T[]])];
  const feel = async <M extends string>(
    parts: readonly { readonly feel: (mood: M | 'well') => void }[],
    mood: M,
  ): Promise<void> => {
    for (const part of parts) part.feel(mood);
    await pause(luck.integer(Math.ceil(longest / 3), longest));
    for (const part of parts) part.feel('well');
  };
  /** Its transaction nonces have a gap now; somebody sees that it does nothing, and restarts it. */
  const restartSoon = async (): Promise<void> => {
    await pause(luck.integer(Math.ceil(longest / 4), Math.ceil(longest / 2)));
    for (const facilitator of facilitators) facilitator.restart();
  };
  switch (upheaval) {
    case 'facilitatorDown':
      return await feel(some(facilitators), 'down');
    case 'facilitatorBusy':
      return await feel(some(facilitators), 'busy');
    case 'facilitatorLying':
      return await feel(some(facilitators), 'lying');
    case 'allFacilitatorsDown':
      return await feel(facilitators, 'down');
    case 'facilitatorRestart':
      for (const facilitator of some(facilitators)) facilitator.restart();
      return undefined;
    case 'nodeDown':
      return await feel(some(nodes), 'down');
    case 'nodeSlow':
      return await feel(some(nodes), 'slow');
    case 'nodeStale':
      return await feel(some(nodes), 'stale');
    case 'nodeWrong':
      return await feel(some(nodes), 'wrong');
    case 'allNodesDown':
      return await feel(nodes, 'down');
    case 'stall':
      return await weather.stall(stall);
    case 'spike':
      return await weather.spike(SPIKED_BLOCKS);
    case 'poorRelayer':
      return await weather.impoverish(luck.integer(Math.ceil(longest / 3), longest));
    case 'drop':
      if (await weather.drop(luck)) await restartSoon();
      return undefined;
    case 'reorganisation':
      await weather.reorganise(luck);
      return await restartSoon();
    case 'kill':
      await stack.gateway.kill();
      await pause(luck.integer(0, 1_000));
      return await stack.gateway.restart();
    case 'reload':
      await stage.reload();
      return await pause(2_000);
  }
};
