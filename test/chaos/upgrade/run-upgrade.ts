import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { join } from 'node:path';
import { people } from '../../../dev/stack/people.ts';
import type { Versions } from '../../../dev/stack/runtime.ts';
import { type Called, startCallers } from '../../../dev/storm/callers.ts';
import { exportAll, readEntries, writeReceipts } from '../../../dev/storm/files.ts';
import { delegate, limitOwner, type Member, OWNER, recruit } from '../../../dev/storm/fleet.ts';
import { prove } from '../../../dev/storm/proof.ts';
import { DEAD_AFTER, untilLogged, untilSettled } from '../../../dev/storm/settle.ts';
import { PRICES, soldAs } from '../../../dev/storm/sold.ts';
import { type Stage, startStage } from '../../../dev/storm/stage.ts';
import { type Tally, tallyOf } from '../../../dev/storm/tally.ts';
import { pass } from '../storm/clock-entry.ts';
import { buyCredit, type Bought, buyOtherwise } from './other-calls.ts';
import type { BothVersions } from './versions.ts';

/** A part of a deployment: which version has the objects, and which one runs beside it. */
type Phase = Versions & { readonly name: string };

/** Calls that begin at once in a phase. Some of them are under way when the next one begins. */
const WAVE = 48;
const AGENTS = 6;
/** Calls of a wave that are served before the next phase begins. */
const SERVED = 12;
const WAIT_MS = 15_000;
const PATIENCE_MS = 60_000;

/** An upgrade, a roll-back in the middle of it, and the upgrade to its end. */
const phasesOf = ({ previous, present }: BothVersions): readonly Phase[] => [
  { name: 'previous', main: previous },
  { name: 'previous objects', main: previous, beside: present },
  { name: 'present objects', main: present, beside: previous },
  { name: 'rolled back', main: previous, beside: present },
  { name: 'present', main: present },
];

/** What an upgrade left. */
export type Upgraded = {
  readonly tally: Tally;
  /** Calls served in each phase's wave, by phase. */
  readonly served: Readonly<Record<string, number>>;
  /** Calls from credit and over MCP, by phase. */
  readonly bought: Readonly<Record<string, readonly Bought[]>>;
  /** Accounts whose calls or payments are open, and accounts whose entries the transparency log lacks. */
  readonly open: readonly string[];
  readonly unlogged: readonly string[];
  /** Calls of a model that streamed its answer. */
  readonly streams: number;
  /** Denials by the limits of the owner. */
  readonly denials: number;
  /** Lines of the gateway's log with an error of the language: one version did not understand what the other sent. */
  readonly mistakes: readonly string[];
};

/** Below the price of all calls, so that some are denied. Streams cost less than their price, and attempts that died hold theirs for a while. */
const capOf = (calls: number): bigint => {
  let all = 0n;
  for (let number = 0; number < calls; number += 1) all += PRICES[soldAs(number)];
  return (all * 84n) / 100n;
};

/** Runs both versions on one state under load, and counts what became of every call and every unit. */
export const runUpgrade = async (
  versions: BothVersions,
  directory: string,
  out: string,
): Promise<Upgraded> => {
  const stage = await startStage({ out, entry: versions.previous }, directory, () => undefined);
  try {
    return await Promise.race([upgrade(stage, phasesOf(versions), out), crashOf(stage)]);
  } finally {
    await stage.stop();
  }
};

const crashOf = async ({ stack }: Stage): Promise<never> => {
  throw new Error(await stack.crashed);
};

const fundsOf = async ({ stack }: Stage, members: readonly Member[]): Promise<bigint> => {
  const balances = await Promise.all(
    members.map(async ({ account }) => await stack.chain.balanceOf(account.address)),
  );
  return balances.reduce((sum, each) => sum + each, 0n);
};

const upgrade = async (stage: Stage, phases: readonly Phase[], out: string): Promise<Upgraded> => {
  const { chain, gateway } = stage.stack;
  const before = await chain.balanceOf(people.payTo);
  // The last two buy from credit and over MCP, with money of their own.
  const members = await recruit(stage, AGENTS + 2);
  const funds = await fundsOf(stage, members);
  const bought = await chain.balanceOf(people.payTo);
  const delegated = members.slice(0, AGENTS);
  const [creditor, host] = members.slice(AGENTS) as [Member, Member];
  await delegate(stage, delegated);
  const cap = capOf(WAVE * phases.length);
  await limitOwner(stage, cap);
  await buyCredit(gateway.url, creditor);

  const waves: Promise<readonly Called[]>[] = [];
  const others: [string, readonly Bought[]][] = [];
  for (const [at, { name, ...running }] of phases.entries()) {
    if (at > 0) await gateway.deploy(running);
    const { watch, ended } = startCallers(gateway.url, delegated, WAVE, at * WAVE);
    waves.push(ended);
    others.push([
      name,
      await buyOtherwise(gateway.url, creditor, host, at).catch((cause: unknown) => {
        const output = gateway.output().trim().slice(-1_500);
        throw new Error(`phase "${name}": ${String(cause)}; the end of its output:\n${output}`, {
          cause,
        });
      }),
    ]);
    // The last phase lets every call end.
    const until = Date.now() + WAIT_MS;
    while (at < phases.length - 1 && watch.served() < SERVED && Date.now() < until) await pause(20);
  }
  // Attempts that died with a version block their calls until their leases have ended.
  await pause(2_000);
  await pass(gateway.url, DEAD_AFTER, [OWNER, ...members.map(({ id }) => id)]);
  const called = await Promise.all(waves);
  const open = await untilSettled(stage.directory, PATIENCE_MS);
  const unlogged = await untilLogged(stage, PATIENCE_MS);
  const received = (await chain.balanceOf(people.payTo)) - before;
  const paid = funds - (await fundsOf(stage, members)) + (bought - before);
  await writeReceipts(called.flat(), out);
  await exportAll(stage, out);
  const entries = await readEntries(out);
  const counted = { called: called.flat(), runs: stage.upstream.runs(), entries };
  return {
    tally: tallyOf({ ...counted, cap, received, paid, proof: await prove(out) }),
    served: Object.fromEntries(
      called.map((wave, at) => [
        phases[at]?.name ?? '',
        wave.filter(({ told }) => told.kind === 'served').length,
      ]),
    ),
    bought: Object.fromEntries(others),
    open,
    unlogged,
    streams: entries.filter(({ type, tool }) => type === 'call.finished' && tool === 'model')
      .length,
    denials: entries.filter(({ type }) => type === 'call.denied').length,
    mistakes: await mistakesIn(gateway.log),
  };
};

const mistakesIn = async (log: string): Promise<readonly string[]> =>
  (await readFile(log, 'utf8'))
    .split('\n')
    .filter((line) => /\b(?:Type|Range|Reference|Syntax)Error\b/.test(line));

/** Where a run leaves its export and its receipts. */
export const outOf = (directory: string): string => join(directory, 'out');
