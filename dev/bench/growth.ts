import { rm, stat } from 'node:fs/promises';
import { getRequest } from './connection.ts';
import { deal, type Measured, mustAllBe, run, runOut } from './load.ts';
import { databaseOf, remember } from './memory.ts';
import { agents, type BenchAgent, boundPayment } from './signing.ts';
import { type GatewaySubject, startGateway } from './gateway-subject.ts';
import { spread, type Spread } from './statistics.ts';
import { type Bench, newDirectory, offerOf, TARGET, type Upstream } from './subject.ts';

/** What calls of an account take while it remembers so many others. */
export type Remembered = {
  readonly remembered: number;
  /** Milliseconds that its first call took in a fresh process. */
  readonly firstMs: number;
  readonly alone: Figures;
  readonly at16: Figures;
  /** Of the object's database. */
  readonly mebibytes: number;
};

/** Of blocks of calls, the two accounts in turn. */
export type Figures = {
  readonly cpuPerRequest: Spread;
  readonly p50: Spread;
  readonly p99: Spread;
};

const BLOCKS = 5;
/** Calls of a block, by how many are sent at once. */
const CALLS = { 1: 60, 16: 160 } as const;
/** The account hears of what was settled and exported, and wakes once more to tidy up. */
const AFTERWORK = 1_500;
const WARM_UP = 600;

const makerOf = async (gateway: GatewaySubject) => {
  const offer = await offerOf(gateway);
  const request = { audience: gateway.audience, tool: 'lookup', target: TARGET };
  return (agent: BenchAgent, count: number): readonly Buffer[] =>
    Array.from({ length: count }, () =>
      getRequest(gateway.port, TARGET, {
        'PAYMENT-SIGNATURE': boundPayment(agent, offer, request),
      }),
    );
};

const send = async (
  gateway: GatewaySubject,
  requests: readonly Buffer[],
  connections: number,
): Promise<Measured> => {
  const lanes = deal(requests, 1, connections);
  return mustAllBe(await runOut(gateway.port, lanes, gateway, AFTERWORK), 200, 'growth');
};

const figuresOf = (blocks: readonly Measured[]): Figures => ({
  cpuPerRequest: spread(blocks.map(({ cpuPerRequest }) => cpuPerRequest)),
  p50: spread(blocks.map(({ p50 }) => p50)),
  p99: spread(blocks.map(({ p99 }) => p99)),
});

type Account = { readonly agent: BenchAgent; readonly remembered: number };

/** Everybody's calls in one process, in turn: what else the machine does meets them alike. */
const measureAccounts = async (
  gateway: GatewaySubject,
  accounts: readonly Account[],
): Promise<readonly (Account & Omit<Remembered, 'mebibytes'>)[]> => {
  const make = await makerOf(gateway);
  const measured = [];
  for (const account of accounts) {
    const first = await run(gateway.port, deal(make(account.agent, 1), 1, 1), gateway);
    measured.push({ ...account, firstMs: mustAllBe(first, 200, 'growth').p50, blocks: blocksOf() });
    await send(gateway, make(account.agent, WARM_UP), 16);
  }
  for (let block = 0; block < BLOCKS; block += 1) {
    for (const { agent, blocks } of measured) {
      blocks.alone.push(await send(gateway, make(agent, CALLS[1]), 1));
      blocks.at16.push(await send(gateway, make(agent, CALLS[16]), 16));
    }
  }
  return measured.map(({ agent, remembered, firstMs, blocks }) => ({
    agent,
    remembered,
    firstMs,
    alone: figuresOf(blocks.alone),
    at16: figuresOf(blocks.at16),
  }));
};

const blocksOf = (): { readonly alone: Measured[]; readonly at16: Measured[] } => ({
  alone: [],
  at16: [],
});

/** Accounts with a first call that has ended, in a directory that outlives the process. */
const begin = async (gateway: GatewaySubject, everybody: readonly BenchAgent[]): Promise<void> => {
  await gateway.seed(everybody);
  const make = await makerOf(gateway);
  for (const agent of everybody) await send(gateway, make(agent, 1), 1);
};

/** The same calls of an account that has nothing behind it, and of one that remembers so many calls. */
export const measureGrowth = async (
  bench: Bench,
  upstream: Upstream,
  calls: number,
): Promise<readonly Remembered[]> => {
  const directory = newDirectory(bench.workspace, 'growth');
  const everybody = agents(2);
  const accounts = everybody.map((agent, at) => ({ agent, remembered: at === 0 ? 0 : calls }));
  const inProcess = async <T>(work: (gateway: GatewaySubject) => Promise<T>): Promise<T> => {
    const gateway = await startGateway(bench, upstream, { directory });
    try {
      return await work(gateway);
    } finally {
      await gateway.stop();
    }
  };
  try {
    await inProcess((gateway) => begin(gateway, everybody));
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
