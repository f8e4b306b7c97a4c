import type { Seconds } from '../../src/core/clock.ts';
import type { Address } from '../../src/core/hex.ts';
import type { Pending } from '../../src/settlement/relayer/pending.ts';

/** A payer whose payments were in trials that the node did not answer. */
type Slow = {
  /** Unanswered trials since the last answered one. */
  readonly trials: number;
  /** How many of these trials had payments of no other payer. */
  readonly alone: number;
  /** Its payments are not tried before this time. */
  readonly pausedUntil: Seconds;
  readonly forgottenAt: Seconds;
};

/**
 * The trials that the node did not answer lately, in memory only. A busy node and a call that keeps it busy look alike, so such a trial is
 * no failure of its payments: they stay, and the next trials are smaller.
 *
 * Attack: a payment that no node can simulate in time makes every trial fail that contains it. So payers that were in fewer of these trials
 * are tried first: a few halvings isolate the attacker while the others settle.
 */
export type Unanswered = {
  /** Payments of one trial, at most. */
  most: number;
  readonly payers: Map<Address, Slow>;
};

export const openUnanswered = (): Unanswered => ({ most: Infinity, payers: new Map() });

/** Bounds the memory: beyond, every payer counts as answered. */
const MAX_PAYERS = 10_000;
/**
 * Payers of a large trial are most likely innocent, so they are forgotten soon: otherwise they would wait behind new payers while blocks
 * are full.
 */
const REMEMBER: Seconds = 30;
const REMEMBER_ALONE: Seconds = 3_600;
const FIRST_PAUSE: Seconds = 2;
const LONGEST_PAUSE: Seconds = 60;

/** Tries half as many payments at once from now on. */
export const shrink = (unanswered: Unanswered, tried: number): void => {
  unanswered.most = Math.max(1, Math.floor(tried / 2));
};

export const noteUnanswered = (
  unanswered: Unanswered,
  tried: readonly Pending[],
  now: Seconds,
): void => {
  shrink(unanswered, tried.length);
  const { payers } = unanswered;
  const distinct = payersOf(tried);
  if (payers.size + distinct.size > MAX_PAYERS) payers.clear();
  const isAlone = distinct.size === 1;
  for (const payer of distinct) {
    const known = slowOf(unanswered, payer, now);
    const alone = (known?.alone ?? 0) + (isAlone ? 1 : 0);
    const pause = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (alone - 1));
    payers.set(payer, {
      trials: (known?.trials ?? 0) + 1,
      alone,
      pausedUntil: isAlone ? now + pause : (known?.pausedUntil ?? 0),
      forgottenAt: now + (alone > 0 ? REMEMBER_ALONE : REMEMBER),
    });
  }
};

/** The node answered a trial: the next ones may be a quarter larger, so that a limit of the node is not hit in every other trial. */
export const noteAnswered = (unanswered: Unanswered, tried: readonly Pending[]): void => {
  unanswered.most += Math.max(1, Math.floor(unanswered.most / 4));
  for (const payer of payersOf(tried)) unanswered.payers.delete(payer);
};

/** Until when a payer's payments are not tried, because the node did not answer trials of them alone; 0: they may be tried. */
export const pausedUntil = ({ payers }: Unanswered, payer: Address): Seconds =>
  payers.get(payer)?.pausedUntil ?? 0;

/** How often in a row the node did not answer a trial of this payer alone. */
export const unansweredAlone = (unanswered: Unanswered, payer: Address, now: Seconds): number =>
  slowOf(unanswered, payer, now)?.alone ?? 0;

/**
 * Groups payments by the unanswered trials of their payers, the fewest first. A trial has payments of one group. From a group that was in
 * such a trial, only half of the payers are tried: otherwise payers that share the last trials with an attacker would never be tried
 * without it.
 */
export const groupsOf = (
  unanswered: Unanswered,
  payments: readonly Pending[],
  now: Seconds,
): readonly (readonly Pending[])[] => {
  if (unanswered.payers.size === 0) return [payments];
  const groups = Map.groupBy(
    payments,
    ({ authorization: { from } }) => slowOf(unanswered, from, now)?.trials ?? 0,
  );
  return [...groups]
    .toSorted(([one], [other]) => one - other)
    .map(([trials, group]) => (trials === 0 ? group : halfOf(group)));
};

const halfOf = (group: readonly Pending[]): readonly Pending[] => {
  const payers = [...payersOf(group)];
  const half = new Set(payers.slice(0, Math.ceil(payers.length / 2)));
  return group.filter(({ authorization }) => half.has(authorization.from));
};

const slowOf = ({ payers }: Unanswered, payer: Address, now: Seconds): Slow | undefined => {
  const known = payers.get(payer);
  return known !== undefined && now < known.forgottenAt ? known : undefined;
};

const payersOf = (payments: readonly Pending[]): ReadonlySet<Address> =>
  new Set(payments.map(({ authorization }) => authorization.from));
