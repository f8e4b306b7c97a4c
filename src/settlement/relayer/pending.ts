import type { Seconds } from '../../core/clock.ts';
import type { Hex } from '../../core/hex.ts';
import type { AccountId } from '../../protocol/account-id.ts';
import type { Authorization, Payment, Permit } from '../../protocol/payment.ts';

/** A payment that the relayer has taken. */
export type Pending = {
  /** Payer and nonce, of the token or of Permit2; a network has one token. */
  readonly key: string;
  /** Absent: the payment pays another seller, and no account is notified of it. */
  readonly account?: AccountId;
  readonly call: Hex;
  readonly authorization: Authorization;
  readonly signature: Hex;
  /** Set for a Permit2 permit, which only this key can settle, in a transaction of its own. */
  readonly permit?: Permit;
  /** The part of a permit's value that is charged; absent: all of it. */
  readonly charge?: bigint;
  /** The newest block known when the call was accepted. */
  readonly sinceBlock: number;
  /** When it was taken. */
  readonly at: Seconds;
  /** A request waits for it. */
  readonly urgent: boolean;
  /** Mined transactions in which it did not move. */
  readonly strikes: number;
};

export const keyOf = ({
  authorization: { from, nonce },
  permit,
}: {
  readonly authorization: Pick<Authorization, 'from' | 'nonce'>;
  readonly permit?: Payment['permit'];
}): string => `${permit === undefined ? '' : 'permit2:'}${from}:${nonce}`;

/** Mined failures after which a payment is refused, so that it burns no more gas. */
export const MAX_STRIKES = 3;

export const isRefused = ({ strikes }: Pick<Pending, 'strikes'>): boolean => strikes >= MAX_STRIKES;

/** Closer to `validBefore` than this a payment is sent at once and may use the higher fee limit (`feeLimit`). */
export const NEAR: Seconds = 120;
/** With less time no transaction is sent: it would be mined too late and fail at our cost. */
export const TOO_LATE: Seconds = 4;

const remainingTime = ({ authorization }: Pick<Pending, 'authorization'>, now: Seconds): Seconds =>
  Number(authorization.validBefore) - now;

export const isNear = (pending: Pick<Pending, 'authorization'>, now: Seconds): boolean =>
  remainingTime(pending, now) <= NEAR;

export const isTooLate = (pending: Pick<Pending, 'authorization'>, now: Seconds): boolean =>
  remainingTime(pending, now) < TOO_LATE;

/** When batches are sent, and how large they are. */
export type BatchRules = {
  /** Payments in one transaction, at most. */
  readonly batch: number;
  /** How long the oldest payment waits for others to join it. */
  readonly wait: Seconds;
};

/** A payment that failed in a mined transaction shares the next one with fewer payments, and after a second failure with none. */
const SUSPECT_BATCH = 10;

/** How many payments may share a transaction with this one, itself included. */
const sizeFor = ({ strikes }: Pending, { batch }: BatchRules): number => {
  if (strikes === 0) return batch;
  return strikes === 1 ? Math.min(SUSPECT_BATCH, batch) : 1;
};

/**
 * Chooses the payments of the next transaction; none if no payment is due.
 *
 * Attack: a payer can make a whole batch fail. Payments that have failed never share a transaction with others, so the others still settle.
 */
export const chooseBatch = (
  waiting: readonly Pending[],
  rules: BatchRules,
  now: Seconds,
): readonly Pending[] => {
  const clean = waiting.filter(({ strikes }) => strikes === 0);
  return isDue(clean, rules, now) ? shared(clean, rules.batch) : [];
};

/**
 * Chooses the permit of the next transaction: one close to its deadline, or else the one that waits longest. It waits for no others, because
 * the proxy accepts no call of Multicall3.
 */
export const choosePermit = (waiting: readonly Pending[], now: Seconds): Pending | undefined =>
  waiting.toSorted(
    (one, other) => Number(isNear(other, now)) - Number(isNear(one, now)) || one.at - other.at,
  )[0];

/** Chooses the payments of the next transaction among those that have failed before. They have waited already. */
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

/** When the next batch is due; undefined if no payment waits. */
export const dueAt = (waiting: readonly Pending[], rules: BatchRules): Seconds | undefined => {
  if (waiting.length === 0) return undefined;
  if (waiting.length >= rules.batch || waiting.some(({ urgent }) => urgent)) return 0;
  return waiting.reduce(
    (least, { at, authorization }) =>
      Math.min(least, at + rules.wait, Number(authorization.validBefore) - NEAR),
    Number.POSITIVE_INFINITY,
  );
};

const isDue = (waiting: readonly Pending[], rules: BatchRules, now: Seconds): boolean => {
  const at = dueAt(waiting, rules);
  return at !== undefined && (at <= now || waiting.some((one) => isNear(one, now)));
};

/**
 * Takes one payment per payer and round, in order of deadlines.
 *
 * Attack: payers choose their deadlines. By deadline alone, a payer with near deadlines would fill every batch.
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
