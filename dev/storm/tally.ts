import type { Entry } from '../../src/protocol/entry.ts';
import type { Called } from './callers.ts';
import { isFree, STORMED } from './sold.ts';
import type { Proof, Report } from './proof.ts';
import type { Run } from './upstream.ts';

/** The results of a storm: the exported entries, and the counts of callers, upstream and chain. Amounts in atomic units. */
export type Aftermath = {
  readonly cap: bigint;
  readonly called: readonly Called[];
  /** All exported entries. */
  readonly entries: readonly Entry[];
  /** Runs of the tools, recorded by the upstream. */
  readonly runs: readonly Run[];
  /** What the payee received on the chain, and what all agents paid there. */
  readonly received: bigint;
  readonly paid: bigint;
  readonly proof: Proof;
};

/** The last line of `npm run storm -- --json`, without its seconds. */
export type Tally = {
  readonly calls: number;
  /** Calls that the log accepted and charged. */
  readonly admitted: number;
  /** Atomic units by which the accepted calls exceed the cap. */
  readonly overspend: string;
  /** Runs beyond the first of a call, and runs that no accepted call covers. */
  readonly doubleRuns: number;
  /** Atomic units in which log, chain and answers differ. */
  readonly unaccounted: string;
  /** Denials that the verifier refutes, and denials that a caller got and no log has. */
  readonly denialsWrong: number;
  /**
   * Whether the Python verifier, from the files alone, found every statement true and none missing, and no count of the storm itself
   * contradicts it.
   */
  readonly proved: boolean;
};

const STORM_TOOLS: ReadonlySet<string> = new Set(STORMED);
/** Entries that end an accepted payment. */
const ENDS: ReadonlySet<string> = new Set([
  'payment.settled',
  'payment.failed',
  'payment.released',
]);

/** Whether an entry ends an accepted payment: by itself, or with a call that released it before it was presented. */
const endsPayment = ({ type, payment }: Entry): boolean =>
  ENDS.has(type) || (type !== 'call.accepted' && payment?.['state'] === 'released');

const absolute = (value: bigint): bigint => (value < 0n ? -value : value);

const amountOf = ({ amounts }: Entry, name: string): bigint => BigInt(amounts?.[name] ?? '0');

/** Counts from entries, runs, chain and the verifier's report. */
export const tallyOf = (aftermath: Aftermath): Tally => {
  const { called, entries, cap, proof } = aftermath;
  const accepted = entries.filter(
    ({ type, tool }) => type === 'call.accepted' && STORM_TOOLS.has(tool ?? ''),
  );
  const charges = chargesFor(accepted, entries);
  const charged = charges.reduce((sum, each) => sum + each, 0n);
  const counts = {
    overspend: (charged > cap ? charged - cap : 0n).toString(),
    doubleRuns: doubleRunsOf(aftermath, accepted),
    unaccounted: unaccountedOf(aftermath, charged).toString(),
    denialsWrong: wrongDenialsOf(aftermath),
  };
  return {
    calls: called.length,
    admitted: charges.filter((each) => each > 0n).length,
    ...counts,
    // Attack: calls that exceed the cap in the first 65 s of a policy, and do not list the policy, are only `bounded` (docs/audit-log.md).
    // So the counts of the storm itself must be 0 too.
    proved:
      // Exit code 4: the log is verified only with the key in the export itself.
      [0, 4].includes(proof.code) &&
      isWhole(proof.report) &&
      Object.values(counts).every((count) => BigInt(count) === 0n),
  };
};

/** What each accepted call costs: its price until it has ended, then its charge. */
const chargesFor = (accepted: readonly Entry[], entries: readonly Entry[]): readonly bigint[] => {
  const ended = new Map(
    entries
      .filter(({ type }) => type === 'call.finished' || type === 'call.abandoned')
      .map((entry) => [entry.call, amountOf(entry, 'charged')]),
  );
  return accepted.map((entry) => ended.get(entry.call) ?? amountOf(entry, 'price'));
};

const doubleRunsOf = ({ runs }: Aftermath, accepted: readonly Entry[]): number => {
  const stormed = runs.filter(({ path }) => STORM_TOOLS.has(path.split('/')[1] ?? ''));
  const logged = new Set(accepted.map(({ call }) => call as string | undefined));
  const unlogged = stormed.filter(({ call }) => !logged.has(call)).length;
  return stormed.length - new Set(stormed.map(({ path }) => path)).size + unlogged;
};

/** The sum of the payments that are open in the log, the differences between log and chain, and the charges for unpaid answers. */
const unaccountedOf = ({ entries, received, paid, called }: Aftermath, charged: bigint): bigint => {
  const ended = new Set(entries.filter(endsPayment).map(({ call }) => call));
  const open = entries
    .filter(
      ({ type, call, payment }) =>
        type === 'call.accepted' && payment?.['paidBy'] !== 'credit' && !ended.has(call),
    )
    .reduce((sum, entry) => sum + amountOf(entry, 'price'), 0n);
  const settled = entries
    .filter(({ type }) => type === 'payment.settled')
    .reduce((sum, entry) => sum + amountOf(entry, 'amount'), 0n);
  return (
    open +
    absolute(settled - received) +
    absolute(settled - paid) +
    unpaidOf(entries, called, charged)
  );
};

/** All charges if callers were served more calls than the log charges; otherwise 0. */
const unpaidOf = (
  entries: readonly Entry[],
  called: readonly Called[],
  charged: bigint,
): bigint => {
  const served = called.filter(
    ({ told, number }) => told.kind === 'served' && !isFree(number),
  ).length;
  const paidCalls = entries.filter(
    (entry) =>
      entry.type === 'call.finished' &&
      STORM_TOOLS.has(entry.tool ?? '') &&
      amountOf(entry, 'charged') > 0n,
  ).length;
  return served > paidCalls ? charged : 0n;
};

const wrongDenialsOf = ({ called, entries, proof }: Aftermath): number => {
  const logged = new Set(
    entries
      .filter(({ type }) => type === 'call.denied')
      .map(({ account, rule }) => `${account} ${rule}`),
  );
  const missing = called.filter(
    ({ told, member }) => told.kind === 'denied' && !logged.has(`${member.id} ${told.rule}`),
  ).length;
  const finding = findingOf(proof.report, 'denials');
  return missing + (finding?.verdict === 'BROKEN' ? 1 : 0);
};

/** The finding of one check. */
export const findingOf = (report: Report | undefined, check: string) =>
  report?.checks.find((each) => each.check === check);

/** Whether a report says that nothing is broken, and that every check of the files alone was made. */
const isWhole = (report: Report | undefined): boolean =>
  report !== undefined && ['proved', 'bounded', 'open'].includes(report.verdict);
