import { fallsAsleep, isAwake } from './awake-objects.ts';
import { spread, type Spread } from './statistics.ts';
import { boundRequests, type GatewaySubject, startGateway } from './gateway-subject.ts';
import { deal, type Figures, figuresOf, type Measured, mustAllBe, run, runOut } from './load.ts';
import { databaseOf, remember } from './remembered-calls.ts';
import { agents, type BenchAgent } from './signing.ts';
import { type Bench, newDirectory, type Upstream } from './subject.ts';
import { rm, stat } from 'node:fs/promises';

/** Cost of a call of an account that remembers many others. */
export type Remembered = {
  readonly remembered: number;
  /** Milliseconds of the first call to a sleeping object in a fresh process: the call wakes it. Empty if alarms keep the object awake. */
  readonly wakeMs: Spread;
  readonly alone: Figures;
  readonly at16: Figures;
  /** Number of answers other than 200. */
  readonly failed: number;
  /** Size of the object's database. */
  readonly mebibytes: number;
};

const BLOCKS = 3;
/** Calls of a block, by the number of connections. */
const CALLS = { 1: 60, 16: 160 } as const;
/** Milliseconds in which settlement and export reach the account, and its alarm prunes. */
const AFTERWORK = 1_500;
/** Calls of another account before the measurement, so that the code is compiled. */
const WARM_UP = 600;
/** Fresh processes in which each object wakes. */
const RESTARTS = 2;

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

type Account = {
  readonly agent: BenchAgent;
  readonly remembered: number;
  readonly database: string;
  readonly woken: Measured[];
  readonly alone: Measured[];
  readonly at16: Measured[];
};

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

/** Measures the first call of each account in a fresh process, whose code another account has compiled. */
const wake = async (
  gateway: GatewaySubject,
  guide: BenchAgent,
  accounts: readonly Account[],
): Promise<void> => {
  const make = await boundRequests(gateway);
  mustAllBe(await send(gateway, make(guide, WARM_UP), 16), 200, 'growth, warm-up');
  for (const account of accounts) {
    await quiet(gateway);
    if (!(await fallsAsleep(gateway, account.database))) continue;
    account.woken.push(await run(gateway.port, deal(make(account.agent, 1), 1, 1), gateway));
    if (!(await isAwake(gateway, account.database))) {
      throw new Error(`${account.database} is not open after a call.`);
    }
  }
};

/** Measures the calls of all accounts in turn in one process, so that other load affects them alike. */
const measureCalls = async (
  gateway: GatewaySubject,
  accounts: readonly Account[],
): Promise<void> => {
  const make = await boundRequests(gateway);
  for (const { agent } of accounts) {
    mustAllBe(await send(gateway, make(agent, CALLS[16]), 16), 200, 'growth, warm-up');
  }
  await quiet(gateway);
  for (let block = 0; block < BLOCKS; block += 1) {
    for (const { agent, alone, at16 } of accounts) {
      alone.push(await send(gateway, make(agent, CALLS[1]), 1));
      at16.push(await send(gateway, make(agent, CALLS[16]), 16));
    }
  }
};

/** Creates accounts with one ended call, in a directory that outlives the process. */
const begin = async (gateway: GatewaySubject, all: readonly BenchAgent[]): Promise<void> => {
  await gateway.seed(all);
  const make = await boundRequests(gateway);
  for (const agent of all) {
    mustAllBe(await send(gateway, make(agent, 1), 1), 200, 'growth, first call');
  }
};

/** Compares the calls of a new account, and its first call after a restart, with those of accounts that remember many calls. */
export const measureGrowth = async (
  bench: Bench,
  upstream: Upstream,
  calls: number,
): Promise<readonly Remembered[]> => {
  const directory = newDirectory(bench.workspace, 'growth');
  const [guide, ...all] = agents(4);
  if (guide === undefined) throw new Error('There is no agent.');
  const inProcess = async <T>(work: (gateway: GatewaySubject) => Promise<T>): Promise<T> => {
    const gateway = await startGateway(bench, upstream, { directory });
    try {
      return await work(gateway);
    } finally {
      await gateway.stop();
    }
  };
  try {
    await inProcess((gateway) => begin(gateway, [guide, ...all]));
    const accounts: Account[] = [];
    for (const [at, agent] of all.entries()) {
      const remembered = [0, Math.round(calls / 100), calls][at] ?? 0;
      const database = await databaseOf(directory, agent);
      if (remembered > 0) remember(database, remembered);
      accounts.push({ agent, remembered, database, woken: [], alone: [], at16: [] });
    }
    for (let restart = 0; restart < RESTARTS; restart += 1) {
      const order = [...accounts.slice(restart), ...accounts.slice(0, restart)];
      await inProcess(async (gateway) => {
        await wake(gateway, guide, order);
        if (restart === RESTARTS - 1) await measureCalls(gateway, accounts);
      });
    }
    return await Promise.all(
      accounts.map(async ({ remembered, database, woken, alone, at16 }) => ({
        remembered,
        wakeMs: spread(woken.map(({ p50 }) => p50)),
        alone: figuresOf(alone),
        at16: figuresOf(at16),
        failed: failedOf([...woken, ...alone, ...at16]),
        mebibytes: (await stat(database)).size / 2 ** 20,
      })),
    );
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
};
