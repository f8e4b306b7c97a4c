import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { getRequest } from '../../../dev/bench/connection.ts';
import { POLICY } from '../../../dev/bench/gateway-subject.ts';
import { startLoad } from '../../../dev/bench/paced-load.ts';
import type { Seller } from '../../../dev/bench/sellers.ts';
import { nonceOf } from '../../../dev/bench/signing.ts';
import { quantile } from '../../../dev/bench/statistics.ts';
import { TARGET } from '../../../dev/bench/subject.ts';
import { watchTransfers } from '../../../dev/bench/transfer-watcher.ts';
import { relayerVariables } from '../../../dev/stack/gateway-variables.ts';
import { people } from '../../../dev/stack/people.ts';
import { usdc } from '../../../dev/stack/chain-access.ts';
import { accountId } from '../../../src/protocol/account-id.ts';
import { writeToolsForLoad } from '../../support/patient-tools.ts';
import { type Stage, startStage } from '../support/stage.ts';
import { type Audited, auditAll, countDeadLetters, readsOf } from './database-figures.ts';
import { type Answered, findLosses } from './outage-figures.ts';
import { introduce, type OutageOptions } from './run-outage.ts';

export type DatabaseOutageFigures = Audited & {
  readonly answered: number;
  /** Number of calls answered during the outage. */
  readonly duringOutage: number;
  readonly refused: readonly Answered[];
  /** Latency of the calls during the outage, in milliseconds. */
  readonly latency: { readonly p50: number; readonly p99: number };
  /** Entries that the accounts kept until the database came back: in total, and of the account with the most. */
  readonly kept: { readonly all: number; readonly most: number };
  /** Messages of the audit queue that were delivered during the outage, and how often in all. */
  readonly messages: number;
  readonly deliveries: number;
  /** Seconds from the return until the database had every entry from before it. */
  readonly storedAfter: number;
  readonly deadLetters: number;
  /** How the management API answered during the outage. */
  readonly reads: Readonly<Record<string, string>>;
  /** One description for each payment or entry that is missing on the chain, in the ledger or in the log. */
  readonly losses: readonly string[];
};

const BLOCK_SECONDS = 2;
const CONNECTIONS = 64;
/** Seconds of load before the outage, and the longest load after it. */
const BEFORE = 3;
const AFTER = 30;
/** How long the last entries and payments may take: an account presents an open payment again after five minutes at most. */
const PATIENCE_MS = 400_000;
const LOOK_MS = 500;

/**
 * The progress of the accounts: the numbers of their last entries, and of the last ones in the database. `messages`: messages of the audit
 * queue whose delivery failed.
 */
type Progress = {
  readonly accounts: readonly { readonly seq: number; readonly exported: number }[];
  readonly messages: number;
  readonly deliveries: number;
};

/** Sells at an even rate while the database answers no query, and after its return. Chain and facilitator always work. */
export const runDatabaseOutage = async (options: OutageOptions): Promise<DatabaseOutageFigures> => {
  const directory = await mkdtemp(join(tmpdir(), 'countersign-outage-'));
  const stage = await startStage(
    async (_, forward) => await forward(),
    { ...relayerVariables(people.relayer), DEFAULT_POLICY: JSON.stringify(POLICY) },
    {
      blockTime: BLOCK_SECONDS,
      toolsFile: await writeToolsForLoad(directory),
      entry: join(import.meta.dirname, 'worker.ts'),
    },
  );
  try {
    return await measure(stage, await introduce(stage, options.payers), options);
  } catch (cause) {
    throw new Error(`outage: ${stage.stack.gateway.output()}`, { cause });
  } finally {
    await stage.stop();
    await rm(directory, { recursive: true, force: true });
  }
};

const measure = async (
  stage: Stage,
  { port, buyers, vanilla }: Seller,
  { seconds, rate, print }: OutageOptions,
): Promise<DatabaseOutageFigures> => {
  const accounts = buyers.map(({ address }) => accountId(usdc.network, address));
  const control = async (away: boolean): Promise<Progress> => {
    const body = JSON.stringify({ away, accounts });
    const answer = await fetch(`${stage.stack.gateway.url}/_outage`, { method: 'POST', body });
    if (!answer.ok) throw new Error(`the Worker answered /_outage with ${answer.status}`);
    return (await answer.json()) as Progress;
  };
  const watcher = await watchTransfers(stage.stack.chain);
  const answered: Answered[] = [];
  const began = performance.now();
  const say = (text: string): void =>
    print(`${((performance.now() - began) / 1_000).toFixed(0)} s of load: ${text}`);
  const load = await startLoad(
    port,
    { connections: CONNECTIONS, perSecond: rate },
    async ({ send }, number) => {
      const buyer = buyers[number % buyers.length];
      if (buyer === undefined) throw new Error('There is no payer.');
      const payment = vanilla(buyer);
      const sentAt = performance.now();
      const answer = await send(getRequest(port, TARGET, { 'PAYMENT-SIGNATURE': payment }));
      const { status } = answer;
      const body = status === 200 ? '' : answer.body;
      answered.push({ nonce: nonceOf(payment), sentAt, at: performance.now(), status, body });
    },
  );
  await pause(BEFORE * 1_000);
  await control(true);
  const awayAt = performance.now();
  say('the database is gone');
  await pause((seconds * 1_000) / 2);
  const reads = await readsOf(stage);
  await pause(Math.max(0, awayAt + seconds * 1_000 - performance.now()));
  const kept = await control(false);
  const backAt = performance.now();
  const waiting = kept.accounts.map(({ seq, exported }) => seq - exported);
  say(`it is back; accounts keep ${sum(waiting)} entries`);
  const ending = pause(Math.min(seconds / 2, AFTER) * 1_000).then(async () => await load.stop());
  const isStored = async (): Promise<boolean> =>
    (await control(false)).accounts.every(
      ({ exported }, at) => exported >= (kept.accounts[at]?.seq ?? 0),
    );
  while (!(await isStored()) && performance.now() < backAt + PATIENCE_MS) await pause(LOOK_MS);
  const storedAfter = (performance.now() - backAt) / 1_000;
  say(`the database has them after ${storedAfter.toFixed(1)} s`);
  await ending;
  const accepted = answered.filter(({ status }) => status === 200);
  const nonces = accepted.map(({ nonce }) => nonce);
  await watcher.all(nonces, PATIENCE_MS);
  const losses = await findLosses(stage, buyers, accepted, watcher);
  await watcher.stop();
  const during = answered.filter(({ at }) => at > awayAt && at <= backAt);
  const times = during.map(({ sentAt, at }) => at - sentAt);
  return {
    ...(await auditAll(stage)),
    answered: answered.length,
    duringOutage: during.length,
    refused: answered.filter(({ status }) => status !== 200),
    latency: { p50: quantile(times, 0.5), p99: quantile(times, 0.99) },
    kept: { all: sum(waiting), most: Math.max(...waiting) },
    ...{ messages: kept.messages, deliveries: kept.deliveries },
    ...{ storedAfter, reads, losses },
    deadLetters: await countDeadLetters(stage),
  };
};

const sum = (numbers: readonly number[]): number => numbers.reduce((all, each) => all + each, 0);
