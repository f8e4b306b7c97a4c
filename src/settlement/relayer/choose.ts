import type { Seconds } from '../../core/clock.ts';
import { isNear, NEAR, type Pending } from './pending.ts';

/** When batches leave, and how large they are. */
export type BatchRules = {
  /** Payments in one transaction, at most. */
  readonly batch: number;
  /** How long the oldest waits for others to join it. */
  readonly wait: Seconds;
};

/** Once a payment failed in a mined transaction it shares the next one with fewer, and then with nobody. */
const SUSPECT_BATCH = 10;

/** What may share a transaction with this one: how many, itself included. */
const sizeFor = ({ strikes }: Pending, { batch }: BatchRules): number => {
  if (strikes === 0) return batch;
  return strikes === 1 ? Math.min(SUSPECT_BATCH, batch) : 1;
};

/**
 * The payments of the next transaction, or none when nothing has to leave yet. Payments that have failed before never share
 * a transaction with such as have not: a payer can make all of a batch fail (design §6), and the others must go on.
 */
export const chooseBatch = (
  waiting: readonly Pending[],
  rules: BatchRules,
  now: Seconds,
): readonly Pending[] => {
  const clean = waiting.filter(({ strikes }) => strikes === 0);
  return leaves(clean, rules, now) ? shared(clean, rules.batch) : [];
};

/** The payments of the next transaction among those that have failed before. They have waited already. */
export const chooseSuspects = (
  waiting: readonly Pending[],
  rules: BatchRules,
): readonly Pending[] => {
  const suspects = waiting.filter(({ strikes }) => strikes > 0).toSorted(byDeadline);
  const [first] = suspects;
  if (first === undefined) return [];
  return shared(
    suspects.filter(({ strikes }) => strikes === first.strikes),
    sizeFor(first, rules),
  );
};

/** When the first of them has to leave; undefined when none waits. */
export const leavesAt = (waiting: readonly Pending[], rules: BatchRules): Seconds | undefined => {
  if (waiting.length === 0) return undefined;
  if (waiting.length >= rules.batch || waiting.some(({ urgent }) => urgent)) return 0;
  return waiting.reduce(
    (least, { at, authorization }) =>
      Math.min(least, at + rules.wait, Number(authorization.validBefore) - NEAR),
    Number.POSITIVE_INFINITY,
  );
};

const leaves = (waiting: readonly Pending[], rules: BatchRules, now: Seconds): boolean => {
  const at = leavesAt(waiting, rules);
  return at !== undefined && (at <= now || waiting.some((one) => isNear(one, now)));
};

/**
 * Round by round one payment of each payer, in the order of their deadlines. Deadlines are written by payers: were they all
 * that counts, one who writes near ones would have every batch to himself.
 */
const shared = (waiting: readonly Pending[], size: number): readonly Pending[] => {
  const rounds: Pending[][] = [];
  const taken = new Map<string, number>();
  for (const one of waiting.toSorted(byDeadline)) {
    const { from } = one.authorization;
    const round = taken.get(from) ?? 0;
    taken.set(from, round + 1);
    (rounds[round] ??= []).push(one);
  }
  return rounds.flat().slice(0, size);
};

const byDeadline = (one: Pending, other: Pending): number => {
  const [a, b] = [one.authorization.validBefore, other.authorization.validBefore];
  if (a !== b) return a < b ? -1 : 1;
  return one.at - other.at;
};
