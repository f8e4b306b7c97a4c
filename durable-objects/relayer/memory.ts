import { type Burners, isBarred, openBurners } from './burners.ts';
import { type Counters, COUNTERS, noCounters } from './counters.ts';
import { FLIGHT, type FlightRecord, newest } from './flight.ts';
import { PENDING } from './pending-noun.ts';
import { PendingPayments } from './pending-payments.ts';
import { REPORT, type ReportRecord } from './report-record.ts';
import { openUnanswered, pausedUntil, type Unanswered } from './unanswered.ts';
import type { Reader } from '../store/query.ts';
import type { Seconds } from '../../src/core/clock.ts';
import type { Address, Hex } from '../../src/core/hex.ts';
import type { Facts } from '../../src/settlement/relayer/node.ts';
import { isRefused, isTooLate, type Pending } from '../../src/settlement/relayer/pending.ts';
import { readUnsigned } from '../../src/settlement/relayer/transaction.ts';

/** Everything that a relayer stores. */
export type Stored = {
  readonly pending: readonly Pending[];
  readonly flights: readonly FlightRecord[];
  readonly reports: readonly ReportRecord[];
  readonly counters: Counters;
};

export const loadStored = (read: Reader): Stored => {
  const [counters = noCounters] = read.find(COUNTERS);
  return {
    pending: [...read.find(PENDING)],
    flights: [...read.find(FLIGHT)],
    reports: [...read.find(REPORT)],
    counters,
  };
};

/** A transaction that is not final, and what the object has observed of it since it woke. */
export type LiveFlight = {
  record: FlightRecord;
  /** Its gas limit, the same in all attempts. */
  readonly gas: bigint;
  /** When it was last broadcast; an object that has just woken assumes never. */
  sentAt: Seconds | undefined;
  /** Once it is in a block. */
  block: number | undefined;
  /** Since when its nonce is used up while none of its hashes has a receipt. */
  missingSince: Seconds | undefined;
};

export type LiveReport = {
  readonly record: ReportRecord;
  /** Keys of payments whose accounts have not acknowledged the report. */
  readonly unacknowledged: Set<string>;
  /** Whether D1 has the transaction. */
  isRecorded: boolean;
  tries: number;
  dueAt: Seconds;
};

/** Payments whose trial failed; a trial costs nothing and is repeated. */
export type Trial = { readonly failures: number; readonly until: Seconds };

/** The object's memory, built from storage when it wakes; storage is the truth. */
export type Memory = {
  readonly pending: PendingPayments;
  readonly flights: Map<number, LiveFlight>;
  readonly reports: Map<Hex, LiveReport>;
  /** Keys of all payments that have settled and whose accounts have not acknowledged that. */
  readonly reported: Set<string>;
  counters: Counters;
  /** The chain facts as last read, and the time of reading. */
  facts: { readonly facts: Facts; readonly at: Seconds } | undefined;
  /** Payers that had code at the last check: each of their payments gets a transaction of its own. */
  readonly contracts: Set<Address>;
  readonly trials: Map<string, Trial>;
  readonly unanswered: Unanswered;
  readonly burners: Burners;
  /** A lower bound on the mined transactions of the key: a node that reports fewer lags behind. */
  floor: number;
  /** When every node first reported that number. */
  behindSince: Seconds | undefined;
  lastError: { readonly at: Seconds; readonly text: string } | undefined;
};

/** How many accounts with code to remember; beyond that, the relayer reads the code of all payers again. */
const MAX_CONTRACTS = 10_000;

export const openMemory = (stored: Stored): Memory => {
  const reports = stored.reports.map(openReport);
  return {
    pending: new PendingPayments(stored.pending),
    flights: new Map(stored.flights.map((record) => [record.nonce, openFlight(record)])),
    reports: new Map(reports.map((one) => [one.record.hash, one])),
    reported: new Set(reports.flatMap(({ unacknowledged }) => [...unacknowledged])),
    counters: stored.counters,
    facts: undefined,
    contracts: new Set(),
    trials: new Map(),
    unanswered: openUnanswered(),
    burners: openBurners(stored.pending),
    floor: stored.counters.nextNonce,
    behindSince: undefined,
    lastError: undefined,
  };
};

export const openFlight = (record: FlightRecord): LiveFlight => ({
  record,
  gas: readUnsigned(record.raw).gas,
  sentAt: undefined,
  block: undefined,
  missingSince: undefined,
});

const openReport = (record: ReportRecord): LiveReport => ({
  record,
  unacknowledged: new Set(
    record.settled.flatMap(({ key, account }) => (account === undefined ? [] : [key])),
  ),
  isRecorded: false,
  tries: 0,
  dueAt: 0,
});

/** Adds the report of a final transaction. */
export const addReport = ({ reports, reported }: Memory, record: ReportRecord): void => {
  const report = openReport(record);
  reports.set(record.hash, report);
  for (const key of report.unacknowledged) reported.add(key);
};

/** Notes that an account has stored that a payment settled. */
export const acknowledge = (
  { reported }: Memory,
  { unacknowledged }: LiveReport,
  key: string,
): void => {
  unacknowledged.delete(key);
  reported.delete(key);
};

export const dropReport = (memory: Memory, report: LiveReport): void => {
  for (const key of report.unacknowledged) acknowledge(memory, report, key);
  memory.reports.delete(report.record.hash);
};

/** In the order of their nonces, which is the order in which they can be mined. */
export const flightsOf = ({ flights }: Memory): readonly LiveFlight[] =>
  [...flights.values()].toSorted((one, other) => one.record.nonce - other.record.nonce);

/** Keys of payments that are in a transaction already. */
export const inFlight = ({ flights }: Memory): ReadonlySet<string> =>
  new Set([...flights.values()].flatMap(({ record }) => record.keys));

/** Payments that a transaction could take now. */
export const waitingOf = (memory: Memory, now: Seconds): readonly Pending[] => {
  const flying = inFlight(memory);
  return [...memory.pending.values()].filter(
    (one) =>
      !flying.has(one.key) &&
      !isRefused(one) &&
      !isTooLate(one, now) &&
      !isPayerBarred(memory, one.authorization.from, now) &&
      postponedUntil(memory, one) <= now,
  );
};

/** Until when a payment is not tried, because its trial failed or the node does not answer trials of its payer; 0: it may be tried. */
export const postponedUntil = (
  { trials, unanswered }: Memory,
  { key, authorization }: Pending,
): Seconds => Math.max(trials.get(key)?.until ?? 0, pausedUntil(unanswered, authorization.from));

/** Whether a payment may share a transaction with few others or none, because it failed in one, or its payer has code. */
export const isSuspect = (
  { contracts }: Pick<Memory, 'contracts'>,
  { strikes, authorization }: Pending,
): boolean => strikes > 0 || contracts.has(authorization.from);

/** Whether the payer's payments are barred now, because of the gas that it, or all payers with code, have burnt. */
export const isPayerBarred = (memory: Memory, payer: Address, now: Seconds): boolean =>
  isBarred(memory.burners, payer, memory.contracts.has(payer) ? 'contract' : 'key', now);

/** Payments of a transaction that are still pending. */
export const pendingIn = (memory: Memory, { record }: LiveFlight): readonly Pending[] =>
  record.keys.flatMap((key) => memory.pending.get(key) ?? []);

/** Wei that unmined transactions may still cost, each at its gas limit. */
export const reservedOf = (memory: Memory): bigint =>
  [...memory.flights.values()]
    .filter(({ block }) => block === undefined)
    .reduce((sum, { gas, record }) => sum + gas * newest(record).maxFeePerGas, 0n);

export const rememberContract = ({ contracts }: Memory, payer: Address): void => {
  if (contracts.size >= MAX_CONTRACTS) contracts.clear();
  contracts.add(payer);
};

export const fail = (memory: Memory, text: string, at: Seconds): void => {
  if (memory.lastError?.text !== text) console.error({ event: 'relayer', text });
  memory.lastError = { at, text };
};
