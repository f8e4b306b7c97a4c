import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type Agent, newAgent, signRequest } from '../support/agent.ts';
import { isClosed, movedBy, readAccountRecords } from '../support/account-records.ts';
import { mineEverySecond, PRICES, type Stage, startStage } from '../support/stage.ts';
import { countersign, type Verified, verifyAll } from './command.ts';
import { type Sale, sell, statusOf } from './sale.ts';
import { ageChunks, copyState, losePart, type Part, putBack } from './state-files.ts';

export type DrillOptions = {
  /** Agents that pay at once. Each loss is tried on one of them. */
  readonly agents: number;
  /** Calls that each agent pays for before the copy, and again after it. */
  readonly calls: number;
  readonly print: (line: string) => void;
};

/** What was lost with a part, and what brought it back. */
export type Loss = {
  readonly kind: Part['kind'];
  readonly part: string;
  /** Seconds from the start of the gateway until the documented steps had ended. */
  readonly seconds: number;
  /** Paid calls whose receipt names an entry that no copy of the log has. */
  readonly receiptsWithoutEntry: number;
  /** Money that payers have sent, less the price of the calls that they got, in atomic units. */
  readonly overpaid: bigint;
  /** Requests of the lost time that ran a second time when they were sent again. */
  readonly ranTwice: number;
  /** What both verifiers say about an export of all accounts and about all receipts. */
  readonly verified: Omit<Verified, 'entries'>;
  /** Lines of `doctor` that are not in order. */
  readonly doctor: readonly string[];
  /** Only of the archive: the exit code of an export before the copy was put back; -1 if it did not end. */
  readonly withoutCopy?: number;
  /** Only of an account: the statuses of a call of the lost time that is sent again, and of a new call. */
  readonly repeated?: number;
  readonly fresh?: number;
};

export type Drill = {
  readonly sold: number;
  readonly losses: readonly Loss[];
};

const PATIENCE_MS = 45_000;
const LOOK_MS = 500;
/** The log signs at most every ten seconds. */
const SIGNED_MS = 40_000;

/** An export of this size ends within three seconds. */
const WITHOUT_COPY_MS = 10_000;

type World = {
  readonly stage: Stage;
  readonly agents: readonly Agent[];
  readonly sales: Sale[];
  readonly copy: string;
  readonly runs: ReadonlyMap<string, number>;
};

type OpenWorld = Pick<World, 'stage' | 'agents'>;

/** Waits until a statement is true. @throws Error with the last reason */
const until = async (
  reason: () => Promise<string | undefined>,
  ms = PATIENCE_MS,
): Promise<void> => {
  const deadline = Date.now() + ms;
  for (;;) {
    const why = await reason();
    if (why === undefined) return;
    if (Date.now() > deadline) throw new Error(why);
    await pause(LOOK_MS);
  }
};

/** The accounts whose payments are not all settled, or whose entries are not all in D1. */
const openAccounts = async ({ stage, agents }: OpenWorld): Promise<string | undefined> => {
  const records = await readAccountRecords(stage.directory);
  const open = agents.filter(({ id }) => {
    const record = records.get(id);
    return record === undefined || !isClosed(record);
  });
  return open.length === 0 ? undefined : `still open: ${open.map(({ name }) => name).join(', ')}`;
};

const upkeep = async ({ stage }: World): Promise<void> => {
  const answer = await fetch(`${stage.stack.gateway.url}/cdn-cgi/local/scheduled?cron=`);
  await answer.body?.cancel();
};

const overpaid = async ({ stage, agents, sales }: World): Promise<bigint> => {
  const moved = await Promise.all(agents.map(async ({ address }) => await movedBy(stage, address)));
  return moved.reduce((sum, each) => sum + each, 0n) - BigInt(sales.length) * PRICES.deferred;
};

/** The payer and the beginning of the call id: the path at the gateway and at the upstream both end with them. */
const runKey = (path: string): string => path.split('/').slice(-2).join('/').toLowerCase();

const ranTwice = ({ runs, sales }: World): number =>
  sales.filter(({ request }) => (runs.get(runKey(new URL(request.url).pathname)) ?? 0) > 1).length;

const doctorOf = async ({ stage }: World): Promise<readonly string[]> => {
  const { text } = await countersign(stage, ['doctor', '--as', 'operator', '--json']);
  const line = text.split('\n').find((each) => each.startsWith('{'));
  if (line === undefined) throw new Error(`doctor printed ${text}`);
  const { checks } = JSON.parse(line) as {
    readonly checks: readonly { name: string; status: string; says: string }[];
  };
  return checks
    .filter(({ status }) => status === 'warn' || status === 'fail')
    .map(({ name, status, says }) => `${name}: ${status}: ${says}`);
};

/** Loses a part of the state, starts the gateway, and takes the documented steps. */
const tryLoss = async (
  world: World,
  { kind, part }: Pick<Loss, 'kind' | 'part'>,
  lose: () => Promise<void>,
  bringBack: () => Promise<Verified>,
): Promise<Loss> => {
  const { gateway } = world.stage.stack;
  await gateway.kill();
  await lose();
  const began = performance.now();
  const verified = await bringBack();
  const seconds = (performance.now() - began) / 1_000;
  const { entries, ...verdicts } = verified;
  return {
    ...{ kind, part, seconds, verified: verdicts },
    receiptsWithoutEntry: world.sales.filter(({ entry }) => !entries.has(entry)).length,
    overpaid: await overpaid(world),
    ranTwice: ranTwice(world),
    doctor: await doctorOf(world),
  };
};

/** Verifies until the log covers the newest entries. */
const verifiedWhenSigned = async (world: World, checkpoint?: string): Promise<Verified> => {
  let verified = await verifyAll(world.stage, world.sales, checkpoint);
  const deadline = Date.now() + SIGNED_MS;
  while (verified.typescript.exit === 4 && Date.now() < deadline) {
    await pause(2_000);
    verified = await verifyAll(world.stage, world.sales, checkpoint);
  }
  return verified;
};

const olderDatabase = async (world: World): Promise<Loss> => {
  const { stage, copy } = world;
  return await tryLoss(
    world,
    { kind: 'database', part: 'D1, as it was at the copy' },
    async () => await putBack(stage.directory, { kind: 'database' }, copy),
    async () => {
      await stage.stack.gateway.restart();
      await until(async () => {
        // The check knows only leaves that a checkpoint covers.
        await upkeep(world);
        return await openAccounts(world);
      });
      return await verifiedWhenSigned(world);
    },
  );
};

/** Without a copy of the bucket the export fails; with one, nothing is lost. */
const lostArchive = async (world: World): Promise<Loss> => {
  const { stage, copy } = world;
  const { gateway } = stage.stack;
  const part: Part = { kind: 'archive' };
  let withoutCopy = 0;
  const loss = await tryLoss(
    world,
    { kind: 'archive', part: 'R2, with the entries that D1 has deleted' },
    async () => await losePart(stage.directory, part),
    async () => {
      await gateway.restart();
      const out = join(stage.directory, 'lost');
      // The command tries again while the gateway answers 503.
      const words = ['audit', 'export', '--all', '-o', out];
      withoutCopy = (await countersign(stage, words, WITHOUT_COPY_MS)).code;
      await gateway.kill();
      await putBack(stage.directory, part, copy);
      await gateway.restart();
      return await verifiedWhenSigned(world);
    },
  );
  return { ...loss, withoutCopy };
};

/** Loses the object of an account, and brings the account forward to its log while the gateway is paused. */
const lostAccount = async (
  world: World,
  agent: Agent,
  part: string,
  lose: (part: Part) => Promise<void>,
): Promise<Loss> => {
  const { stage } = world;
  const { gateway } = stage.stack;
  let afterwards = { repeated: 0, fresh: 0 };
  const loss = await tryLoss(
    world,
    { kind: 'account', part },
    async () => await lose({ kind: 'account', address: agent.address }),
    async () => {
      await gateway.restart({ PAUSED: 'true' });
      const recovered = await countersign(stage, ['accounts', 'recover', agent.id, '--json']);
      if (recovered.code !== 0) throw new Error(`accounts recover: ${recovered.text}`);
      await until(async () => await openAccounts(world));
      await gateway.restart({ PAUSED: 'false' });
      const last = world.sales.findLast((sale) => sale.agent === agent);
      if (last === undefined) throw new Error(`${agent.name} has bought nothing`);
      const fresh = await signRequest(stage, agent, 'deferred');
      afterwards = { repeated: await statusOf(last.request), fresh: await statusOf(fresh) };
      return await verifiedWhenSigned(world);
    },
  );
  return { ...loss, ...afterwards };
};

const olderLog = async (world: World): Promise<Loss> => {
  const { stage, copy } = world;
  const checkpoint = join(stage.directory, 'checkpoint');
  const published = await fetch(`${stage.stack.gateway.url}/log/checkpoint`);
  await writeFile(checkpoint, await published.text());
  return await tryLoss(
    world,
    { kind: 'log', part: 'the transparency log, as it was at the copy' },
    async () => await putBack(stage.directory, { kind: 'log' }, copy),
    async () => {
      await stage.stack.gateway.restart();
      world.sales.push(...(await sell(stage, world.agents.slice(0, 1), 1)));
      await pause(15_000);
      return await verifyAll(stage, world.sales, checkpoint);
    },
  );
};

/** Sells, copies the state, sells again, and then loses one part after the other. */
export const runDrill = async ({ agents: count, calls, print }: DrillOptions): Promise<Drill> => {
  const runs = new Map<string, number>();
  const stage = await startStage(async (message, forward) => {
    if (message.party === 'upstream') {
      const key = runKey(message.path);
      runs.set(key, 1 + (runs.get(key) ?? 0));
    }
    return await forward();
  });
  const stopMining = mineEverySecond(stage);
  const copy = join(stage.directory, 'copy');
  try {
    const names = Array.from({ length: Math.max(4, count) }, (_, at) => `agent ${at}`);
    const agents = await Promise.all(names.map(async (name) => await newAgent(stage, name)));
    const sales = [...(await sell(stage, agents, calls))];
    const world: World = { stage, agents, sales, copy, runs };
    await until(async () => await openAccounts(world));
    print(`sold ${sales.length} calls, copying the state`);
    // The archive moves what D1 has stored so far to R2.
    await stage.stack.gateway.kill();
    await ageChunks(stage.directory);
    await stage.stack.gateway.restart();
    await upkeep(world);
    await stage.stack.gateway.kill();
    await copyState(stage.directory, copy);
    await stage.stack.gateway.restart();
    sales.push(...(await sell(stage, agents, calls)));
    await until(async () => await openAccounts(world));
    print(`sold ${sales.length} calls`);
    await doctorOf(world);
    const losses: Loss[] = [];
    const [, second, third] = agents as [Agent, Agent, Agent];
    for (const attempt of [
      async () => await olderDatabase(world),
      async () => await lostArchive(world),
      async () =>
        await lostAccount(
          world,
          second,
          'the object of an account, as it was at the copy',
          async (part) => await putBack(stage.directory, part, copy),
        ),
      async () =>
        await lostAccount(
          world,
          third,
          'the object of an account, whole',
          async (part) => await losePart(stage.directory, part),
        ),
      // Last: its checkpoints no longer extend those that were published.
      async () => await olderLog(world),
    ]) {
      const loss = await attempt();
      losses.push(loss);
      print(`${loss.part}: back after ${loss.seconds.toFixed(1)} s`);
    }
    return { sold: sales.length, losses };
  } catch (cause) {
    const { output } = stage.stack.gateway;
    throw new Error(`the drill broke; the gateway printed ${output().slice(-6_000)}`, { cause });
  } finally {
    stopMining();
    await stage.stop();
    await rm(stage.directory, { recursive: true, force: true });
  }
};
