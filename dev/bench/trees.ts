import { openConnection } from './connection.ts';
import { boundRequests, type MakeBound } from './gateway-subject.ts';
import { type Branch, grow, REFUSED, RULED, rulesOf } from './branches.ts';
import { type Figures, figuresOf } from './load.ts';
import { type GatewaySubject, startGateway } from './gateway-subject.ts';
import type { Hex } from '../../src/core/hex.ts';
import { deal, type Lane, type Measured, mustAllBe, runOut } from './load.ts';
import { agents, type BenchAgent } from './signing.ts';
import type { Bench, Upstream } from './subject.ts';

/** What a paid call costs by where its agent stands, and by how many rules bind it. */
export type Stand = {
  readonly stands: string;
  /** Accounts above the agent. */
  readonly depth: number;
  readonly rules: number;
  readonly alone: Figures;
  readonly at16: Figures;
};

/** Who is compared: sixteen agents each, that have all above them in common. */
const STANDS = [
  { stands: 'alone', depth: 0, isRuled: false },
  { stands: 'depth 1', depth: 1, isRuled: false },
  { stands: 'depth 2', depth: 2, isRuled: false },
  { stands: 'depth 3', depth: 3, isRuled: false },
  { stands: 'alone, with the most rules of one account', depth: 0, isRuled: true },
  { stands: 'depth 3, with the most rules that bind a call', depth: 3, isRuled: true },
] as const;

const SIZE = 16;
const DEEPEST = 3;
/** Each of calls sent alone; all but the first also of calls sent at once, whose CPU varies less. */
const BLOCKS = 3;
/** Calls of a block, by how many are sent at once. */
const CALLS = { 1: 64, 16: 128 } as const;
const WARM_UP = 160;
/** The queue's stub settles and exports within a second; the accounts write that down. */
const AFTERWORK = 1_250;

type Grown = (typeof STANDS)[number] & {
  readonly branch: Branch;
  readonly blocks: { readonly alone: Measured[]; readonly at16: Measured[] };
};

/** Everybody is somebody else: no account stands in two branches. */
const plant = (): readonly Grown[] => {
  const everybody = agents(STANDS.length * (SIZE + DEEPEST));
  return STANDS.map((stand, at) => {
    const first = at * (SIZE + DEEPEST);
    const above = everybody.slice(first, first + stand.depth).map(({ address }) => address);
    const below = everybody.slice(first + DEEPEST, first + DEEPEST + SIZE);
    return {
      ...stand,
      branch: { above, agents: below, isRuled: stand.isRuled },
      blocks: { alone: [], at16: [] },
    };
  });
};

const lanesOf = (
  make: MakeBound,
  everybody: readonly BenchAgent[],
  count: number,
  connections: number,
): readonly Lane[] => {
  const each = everybody.map((agent) => make(agent, count / SIZE));
  const inTurn = Array.from({ length: count }, (_, at) => each[at % SIZE]?.[Math.floor(at / SIZE)]);
  return deal(
    inTurn.filter((request) => request !== undefined),
    SIZE,
    connections,
  );
};

/** That the last rule of the account furthest above refuses, in its own name, shows that all the others were asked before it. */
const mustBeRuled = async (gateway: GatewaySubject, { branch, stands }: Grown): Promise<void> => {
  const make = await boundRequests(gateway, { ...RULED, target: REFUSED });
  const connection = await openConnection(gateway.port);
  for (const agent of branch.agents) {
    const [request] = make(agent, 1);
    if (request === undefined) throw new Error('Nothing was signed.');
    const { status, body } = await connection.send(request);
    if (status !== 403 || !body.includes(branch.above[0] ?? agent.address)) {
      throw new Error(`${stands}: what the last rule forbids was answered ${status}: ${body}`);
    }
  }
  connection.close();
};

/** Everybody of all branches. */
const everyone = (grown: readonly Grown[]): readonly Hex[] =>
  grown.flatMap(({ branch: { above, agents } }) => [
    ...above,
    ...agents.map(({ address }) => address),
  ]);

const measure = async (gateway: GatewaySubject, grown: readonly Grown[]): Promise<void> => {
  const make = await boundRequests(gateway, RULED);
  const send = async (
    { branch, stands }: Grown,
    count: number,
    connections: number,
    afterwork = AFTERWORK,
  ): Promise<Measured> => {
    const lanes = lanesOf(make, branch.agents, count, connections);
    // An agent that has slept holds no lease any more: what is measured is how agents call that are at work.
    await gateway.wake(everyone(grown));
    return mustAllBe(await runOut(gateway.port, lanes, gateway, afterwork), 200, stands);
  };
  for (const each of grown) {
    await send(each, WARM_UP, 16, 0);
    if (each.isRuled) await mustBeRuled(gateway, each);
  }
  await new Promise((resolve) => setTimeout(resolve, AFTERWORK));
  for (let block = 0; block < BLOCKS; block += 1) {
    for (const each of grown) {
      each.blocks.alone.push(await send(each, CALLS[1], 1));
      if (block > 0) each.blocks.at16.push(await send(each, CALLS[16], 16));
    }
  }
};

/** The same bound calls of agents that stand alone, and of others below one, two and three accounts, in turn in one process. */
export const measureTrees = async (bench: Bench, upstream: Upstream): Promise<readonly Stand[]> => {
  const gateway = await startGateway(bench, upstream, { tools: 1 });
  try {
    const grown = plant();
    for (const { branch } of grown) await grow(gateway, branch);
    await measure(gateway, grown);
    return grown.map(({ stands, depth, branch, blocks }) => ({
      stands,
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
