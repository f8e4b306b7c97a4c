import { openConnection } from './connection.ts';
import {
  boundRequests,
  type GatewaySubject,
  type MakeBound,
  startGateway,
} from './gateway-subject.ts';
import { type Branch, grow, REFUSED, RULED, rulesOf } from './branches.ts';
import {
  deal,
  type Figures,
  figuresOf,
  type Lane,
  type Measured,
  mustAllBe,
  runOut,
} from './load.ts';
import type { Hex } from '../../src/core/hex.ts';
import { agents, type BenchAgent } from './signing.ts';
import type { Bench, Upstream } from './subject.ts';

/** Cost of a paid call by the position of its agent in a tree, and by the rules that bind it. */
export type Position = {
  readonly position: string;
  /** Number of ancestors. */
  readonly depth: number;
  readonly rules: number;
  readonly alone: Figures;
  readonly at16: Figures;
};

/** Compared positions, of sixteen agents with common ancestors each. */
const POSITIONS = [
  { position: 'without an owner', depth: 0, isRuled: false },
  { position: 'depth 1', depth: 1, isRuled: false },
  { position: 'depth 2', depth: 2, isRuled: false },
  { position: 'depth 3', depth: 3, isRuled: false },
  { position: 'without an owner, maximum of rules', depth: 0, isRuled: true },
  { position: 'depth 3, maximum of rules', depth: 3, isRuled: true },
] as const;

const SIZE = 16;
const DEEPEST = 3;
/** Blocks of sequential calls; all but the first also have concurrent calls, whose CPU varies less. */
const BLOCKS = 2;
/** Calls of a block, by the number of connections. */
const CALLS = { 1: 64, 16: 128 } as const;
const WARM_UP = 160;
/** Milliseconds in which the stub settles and exports, and the accounts record it. */
const AFTERWORK = 1_250;

type Grown = (typeof POSITIONS)[number] & {
  readonly branch: Branch;
  readonly blocks: { readonly alone: Measured[]; readonly at16: Measured[] };
};

/** Assigns different accounts to each branch. */
const plant = (): readonly Grown[] => {
  const all = agents(POSITIONS.length * (SIZE + DEEPEST));
  return POSITIONS.map((each, at) => {
    const first = at * (SIZE + DEEPEST);
    const ancestors = all.slice(first, first + each.depth).map(({ address }) => address);
    const children = all.slice(first + DEEPEST, first + DEEPEST + SIZE);
    return {
      ...each,
      branch: { ancestors, agents: children, isRuled: each.isRuled },
      blocks: { alone: [], at16: [] },
    };
  });
};

const lanesOf = (
  make: MakeBound,
  all: readonly BenchAgent[],
  count: number,
  connections: number,
): readonly Lane[] => {
  const each = all.map((agent) => make(agent, count / SIZE));
  const inTurn = Array.from({ length: count }, (_, at) => each[at % SIZE]?.[Math.floor(at / SIZE)]);
  return deal(
    inTurn.filter((request) => request !== undefined),
    SIZE,
    connections,
  );
};

/** Checks that the last rule of the root denies a call: then every other rule was evaluated before it. */
const mustBeRuled = async (gateway: GatewaySubject, { branch, position }: Grown): Promise<void> => {
  const make = await boundRequests(gateway, { ...RULED, target: REFUSED });
  const connection = await openConnection(gateway.port);
  for (const agent of branch.agents) {
    const [request] = make(agent, 1);
    if (request === undefined) throw new Error('There is no request.');
    const { status, body } = await connection.send(request);
    if (status !== 403 || !body.includes(branch.ancestors[0] ?? agent.address)) {
      throw new Error(
        `${position}: a call that the last rule denies was answered ${status}: ${body}`,
      );
    }
  }
  connection.close();
};

/** Lists the accounts of all branches. */
const accountsOf = (grown: readonly Grown[]): readonly Hex[] =>
  grown.flatMap(({ branch: { ancestors, agents } }) => [
    ...ancestors,
    ...agents.map(({ address }) => address),
  ]);

const measure = async (gateway: GatewaySubject, grown: readonly Grown[]): Promise<void> => {
  const make = await boundRequests(gateway, RULED);
  const send = async (
    { branch, position }: Grown,
    count: number,
    connections: number,
    afterwork = AFTERWORK,
  ): Promise<Measured> => {
    const lanes = lanesOf(make, branch.agents, count, connections);
    // An evicted agent has no lease. The bench measures active agents.
    await gateway.wake(accountsOf(grown));
    return mustAllBe(await runOut(gateway.port, lanes, gateway, afterwork), 200, position);
  };
  for (const each of grown) {
    await send(each, WARM_UP, 16, 0);
    if (each.isRuled) await mustBeRuled(gateway, each);
  }
  await new Promise((resolve) => setTimeout(resolve, AFTERWORK));
  for (let block = 0; block < BLOCKS; block += 1) {
    for (const each of grown) {
      each.blocks.alone.push(await send(each, CALLS[1], 1));
      each.blocks.at16.push(await send(each, CALLS[16], 16));
    }
  }
};

/** Compares the same bound calls of agents without and with one to three ancestors, in turn in one process. */
export const measureTrees = async (
  bench: Bench,
  upstream: Upstream,
): Promise<readonly Position[]> => {
  const gateway = await startGateway(bench, upstream, { tools: 1 });
  try {
    const grown = plant();
    for (const { branch } of grown) await grow(gateway, branch);
    await measure(gateway, grown);
    return grown.map(({ position, depth, branch, blocks }) => ({
      position,
      depth,
      rules: rulesOf(branch),
      alone: figuresOf(blocks.alone),
      at16: figuresOf(blocks.at16),
    }));
  } catch (cause) {
    throw new Error(`trees: ${gateway.output()}`, { cause });
  } finally {
    await gateway.stop();
  }
};
