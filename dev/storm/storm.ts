import { setTimeout as pause } from 'node:timers/promises';
import { join } from 'node:path';
import { formatDollars } from '../../src/protocol/amount.ts';
import { people } from '../stack/people.ts';
import { type Called, startCallers, type Watch } from './callers.ts';
import { EXPORT, exportAll, readEntries, writeReceipts } from './files.ts';
import { delegate, limitOwner, type Member, OWNER, recruit } from './fleet.ts';
import type { StormOptions } from './options.ts';
import { prove, proofCommand, type Proof } from './proof.ts';
import { DEAD_AFTER, untilLogged, untilSettled } from './settle.ts';
import { capFor, TIMES } from './sold.ts';
import { type Stage, startStage } from './stage.ts';
import { type Tally, tallyOf } from './tally.ts';

/** The share of the admitted calls after which Worker and facilitator are killed. */
const KILL_AFTER = 0.4;
const AWAY_MS = 1_500;
const POLL_MS = 20;
/** How long the last payments may take after the crash is over. */
const PATIENCE_MS = 120_000;

/** Everything that the storm knows before the verifier runs. */
type Weathered = Omit<Parameters<typeof tallyOf>[0], 'proof' | 'entries'>;

/**
 * Sends all calls at once, kills Worker and facilitator in the middle, waits until everything is settled, exports it, stops the stack and
 * lets the Python verifier judge the files.
 */
export const runStorm = async (options: StormOptions, directory: string): Promise<Tally> => {
  const { narrator, out } = options;
  narrator.step('A chain, a facilitator, an upstream and the gateway start on this machine');
  const stage = await startStage(options, directory, (part, where, milliseconds) =>
    narrator.detail(`${part.padEnd(12)} ${where}  ${milliseconds} ms`),
  );
  let weathered: Weathered;
  try {
    weathered = await Promise.race([weather(stage, options), crashOf(stage)]);
  } finally {
    await stage.stop();
  }
  narrator.step('The stack is stopped. Python verifies the files, and nothing else');
  narrator.detail(proofCommand(out));
  const proof = await narrator.during('verifying', prove(out));
  show(options, proof);
  return tallyOf({ ...weathered, entries: await readEntries(out), proof });
};

/** Rejects when a part stops by itself. */
const crashOf = async ({ stack }: Stage): Promise<never> => {
  throw new Error(await stack.crashed);
};

const weather = async (stage: Stage, options: StormOptions): Promise<Weathered> => {
  const { narrator, calls, agents, out } = options;
  const { chain, gateway } = stage.stack;
  const cap = capFor(calls);
  const balance = async (): Promise<bigint> => await chain.balanceOf(people.payTo);

  narrator.step(`An owner delegates ${agents} agents under one cap of ${formatDollars(cap)}`);
  const before = await balance();
  const members = await narrator.during('funding the agents', recruit(stage, agents));
  const funds = await fundsOf(stage, members);
  const bought = await balance();
  await delegate(stage, members);
  // The gateway knows an owner only once the owner has issued a grant.
  await limitOwner(stage, cap);
  narrator.detail('each agent has its own key and its own money, and consented with a signature');

  narrator.step(`${calls} paid calls at once, which would pass the cap five times over`);
  const { watch, ended } = startCallers(gateway.url, members, calls);
  const killedAt = await killInTheMiddle(stage, options, watch, ended);
  const called = await narrator.during(
    'callers repeat what was not answered, with the same signature and their retry key',
    options.pass === undefined ? ended : passing(options.pass, gateway.url, members, ended),
  );
  narrate(options, called, watch, stage);

  narrator.step('Everything settles');
  const wait = killedAt + DEAD_AFTER * 1_000 - Date.now();
  if (options.pass === undefined && wait > 0)
    await narrator.during(
      'waiting for the minute in which a dead attempt may still end',
      pause(wait),
    );
  const open = await narrator.during(
    'waiting for the last payments',
    untilSettled(stage.directory, PATIENCE_MS),
  );
  narrator.check('every call and every payment has ended', open.length === 0, open.join(', '));
  const unlogged = await narrator.during(
    'waiting for the checkpoint that covers every entry',
    untilLogged(stage, PATIENCE_MS),
  );
  narrator.check(
    'the transparency log has every entry',
    unlogged.length === 0,
    unlogged.join(', '),
  );
  const received = (await balance()) - before;
  narrator.detail(`${formatDollars(received)} arrived at the payee`);
  const paid = funds - (await fundsOf(stage, members)) + (bought - before);
  const receipts = await writeReceipts(called, out);
  await narrator.during('exporting every entry', exportAll(stage, out));
  narrator.detail(`exported to ${join(out, EXPORT)}, with ${receipts} receipts of callers`);
  return { cap, called, runs: stage.upstream.runs(), received, paid };
};

const fundsOf = async ({ stack }: Stage, members: readonly Member[]): Promise<bigint> => {
  const balances = await Promise.all(
    members.map(async ({ account }) => await stack.chain.balanceOf(account.address)),
  );
  return balances.reduce((sum, each) => sum + each, 0n);
};

/** Kills Worker and facilitator once a part of the calls that the cap admits is served. @returns the time, in Unix milliseconds */
const killInTheMiddle = async (
  { stack, facilitator, upstream }: Stage,
  { narrator, calls, agents }: StormOptions,
  watch: Watch,
  ended: Promise<unknown>,
): Promise<number> => {
  const due = Math.floor((calls / TIMES) * KILL_AFTER);
  let isOver = false;
  void ended.finally(() => {
    isOver = true;
  });
  while (watch.served() < due && !isOver) await pause(POLL_MS);
  await Promise.all([stack.gateway.kill(), facilitator.kill()]);
  const at = Date.now();
  narrator.detail(
    `killed the Worker and the facilitator after ${upstream.runs().length - agents} runs: ` +
      `${watch.served()} callers were served, ${watch.denied()} denied, ${calls - watch.served() - watch.denied()} wait`,
  );
  await pause(AWAY_MS);
  await Promise.all([stack.gateway.restart(), facilitator.restart()]);
  narrator.detail(`both are back after ${((Date.now() - at) / 1_000).toFixed(1)} s`);
  return at;
};

/** Makes the time pass after which the gateway ends dead attempts, once the gateway is back. */
const passing = async <T>(
  pass: NonNullable<StormOptions['pass']>,
  gateway: string,
  members: readonly Member[],
  work: Promise<T>,
): Promise<T> => {
  await pass(gateway, DEAD_AFTER, [OWNER, ...members.map(({ id }) => id)]);
  return await work;
};

const narrate = (
  { narrator, agents }: StormOptions,
  called: readonly Called[],
  watch: Watch,
  { upstream }: Stage,
): void => {
  const denied = called.filter(({ told }) => told.kind === 'denied').length;
  const failed = called.flatMap(({ told }) => (told.kind === 'failed' ? [told.why] : []));
  narrator.detail(
    `${watch.repeated()} repeats; ${watch.died()} attempts died with the Worker, cost nothing and were bought again`,
  );
  narrator.detail(
    `${watch.served()} served, ${denied} denied${failed.length === 0 ? '' : `, ${failed.length} ended without an answer`}`,
  );
  for (const why of new Set(failed)) narrator.detail(`  ${why}`);
  narrator.detail(`the upstream counted ${upstream.runs().length - agents} runs`);
};

const show = ({ narrator }: StormOptions, { report, stderr, code }: Proof): void => {
  if (report === undefined) {
    narrator.check('the verifier wrote a report', false, `exit ${code}: ${stderr.slice(-2_000)}`);
    return;
  }
  for (const { check, verdict, checked, bounded, unchecked, note, first } of report.checks) {
    const parts = [
      `${checked - bounded} proved`,
      ...(bounded === 0 ? [] : [`${bounded} bounded`]),
      ...(unchecked === 0 ? [] : [`${unchecked} not checked`]),
    ];
    narrator.detail(`${check.padEnd(12)} ${verdict.padEnd(12)} ${parts.join(', ')}`);
    if (first !== undefined) narrator.detail(`             ${JSON.stringify(first)}`);
    else if (verdict === 'not checked' && note !== undefined)
      narrator.detail(`             ${note}`);
  }
};
