import { boundRequests, type GatewaySubject, startGateway } from './gateway-subject.ts';
import { deal, type Figures, figuresOf, type Measured, mustAllBe, run, runOut } from './load.ts';
import { databaseOf, remember } from './remembered-calls.ts';
import { agents, type BenchAgent } from './signing.ts';
import { type Bench, newDirectory, type Upstream } from './subject.ts';
import { rm, stat } from 'node:fs/promises';

/** Cost of a call of an account that remembers many others. */
export type Remembered = {
  readonly remembered: number;
  /** Milliseconds of the first call after the alarm woke the object. */
  readonly firstMs: number;
  readonly alone: Figures;
  readonly at16: Figures;
  /** Number of answers other than 200. */
  readonly failed: number;
  /** Size of the object's database. */
  readonly mebibytes: number;
};

const BLOCKS = 4;
/** Calls of a block, by the number of connections. */
const CALLS = { 1: 60, 16: 160 } as const;
/** Milliseconds in which settlement and export reach the account, and its alarm prunes. */
const AFTERWORK = 1_500;
const WARM_UP = 600;

const send = async (
  gateway: GatewaySubject,
  requests: readonly Buffer[],
  connections: number,
): Promise<Measured> => {
  const lanes = deal(requests, 1, connections);
  return await runOut(gateway.port, lanes, gateway, AFTERWORK);
};

/** Counts failed calls: an overloaded account answers late or not at all. */
const failedOf = (blocks: readonly Measured[]): number =>
  blocks.reduce((sum, { requests, statuses }) => sum + requests - (statuses['200'] ?? 0), 0);

type Account = { readonly agent: BenchAgent; readonly remembered: number };

/** Microseconds of CPU within `QUIET_MS` below which the process is idle. */
const QUIET = 15_000;
const QUIET_MS = 500;

/** Waits until the process is idle: an object with much state blocks the others while it wakes. */
const quiet = async ({ cpu }: GatewaySubject): Promise<void> => {
  for (;;) {
    const before = cpu();
    await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
    if (cpu() - before < QUIET) return;
  }
};

/** Measures the calls of all accounts in turn in one process, so that other load affects them alike. */
const measureAccounts = async (
  gateway: GatewaySubject,
  accounts: readonly Account[],
): Promise<readonly (Account & Omit<Remembered, 'mebibytes'>)[]> => {
  const make = await boundRequests(gateway);
  await quiet(gateway);
  const measured = [];
  for (const account of accounts) {
    const first = await run(gateway.port, deal(make(account.agent, 1), 1, 1), gateway);
    await quiet(gateway);
    const warmUp = await send(gateway, make(account.agent, WARM_UP), 16);
    await quiet(gateway);
    measured.push({ ...account, firstMs: first.p50, before: [first, warmUp], blocks: blocksOf() });
  }
  for (let block = 0; block < BLOCKS; block += 1) {
    for (const { agent, blocks } of measured) {
      blocks.alone.push(await send(gateway, make(agent, CALLS[1]), 1));
      blocks.at16.push(await send(gateway, make(agent, CALLS[16]), 16));
    }
  }
  return measured.map(({ agent, remembered, firstMs, before, blocks }) => ({
    agent,
    remembered,
    firstMs,
    alone: figuresOf(blocks.alone),
    at16: figuresOf(blocks.at16),
    failed: failedOf([...before, ...blocks.alone, ...blocks.at16]),
  }));
};

const blocksOf = (): { readonly alone: Measured[]; readonly at16: Measured[] } => ({
  alone: [],
  at16: [],
});

/** Creates accounts with one ended call, in a directory that outlives the process. */
const begin = async (gateway: GatewaySubject, all: readonly BenchAgent[]): Promise<void> => {
  await gateway.seed(all);
  const make = await boundRequests(gateway);
  for (const agent of all) {
    mustAllBe(await send(gateway, make(agent, 1), 1), 200, 'growth, first call');
  }
};

/** Compares the calls of a new account with those of one that remembers many calls. */
export const measureGrowth = async (
  bench: Bench,
  upstream: Upstream,
  calls: number,
): Promise<readonly Remembered[]> => {
  const directory = newDirectory(bench.workspace, 'growth');
  const all = agents(2);
  const accounts = all.map((agent, at) => ({ agent, remembered: at === 0 ? 0 : calls }));
  const inProcess = async <T>(work: (gateway: GatewaySubject) => Promise<T>): Promise<T> => {
    const gateway = await startGateway(bench, upstream, { directory });
    try {
      return await work(gateway);
    } finally {
      await gateway.stop();
    }
  };
  try {
    await inProcess((gateway) => begin(gateway, all));
    for (const { agent, remembered } of accounts) {
      if (remembered > 0) remember(await databaseOf(directory, agent), remembered);
    }
    const measured = await inProcess((gateway) => measureAccounts(gateway, accounts));
    return await Promise.all(
      measured.map(async ({ agent, ...figures }) => {
        const { size } = await stat(await databaseOf(directory, agent));
        return { ...figures, mebibytes: size / 2 ** 20 };
      }),
    );
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
};
