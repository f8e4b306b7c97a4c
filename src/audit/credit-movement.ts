import { parseAmount, toStored } from '../protocol/amount.ts';
import type { Hex } from '../core/hex.ts';
import { type Day, dayOf } from './day.ts';
import { type Facts, mayMoveCredit } from '../protocol/log/facts.ts';
import { creditOf } from './projection.ts';

/** A line of the ledger totals. The first four raise credit, the others lower it. */
export type CreditLine =
  | 'topped_up'
  | 'returned'
  | 'late'
  | 'given'
  | 'taken'
  | 'refunded'
  | 'lent'
  | 'debt';

/**
 * A change of credit other than paying for a call of the same account. Without `amount` or `asset`, the values in the call's row in D1
 * apply.
 */
export type CreditMovement = {
  readonly day: Day;
  readonly line: CreditLine;
  readonly amount?: number;
  readonly asset?: string;
  readonly call?: Hex;
};

/**
 * The movement that an entry records, if any. Credit bought for another account counts when it is paid for, and `credit.received` counts
 * nothing, because the gateway already owes credit in transit. Pure.
 *
 * @throws RangeError for an amount that is not a safe integer
 */
export const creditMovement = (entry: Facts): CreditMovement | undefined => {
  if (!mayMoveCredit(entry)) return undefined;
  const of = (line: CreditLine, amount: string | undefined, asset?: string): CreditMovement => ({
    day: dayOf(entry.at),
    line,
    ...(entry.call === undefined ? {} : { call: entry.call }),
    ...(asset === undefined ? {} : { asset }),
    ...(amount === undefined ? {} : { amount: toStored(parseAmount(amount) ?? 0n) }),
  });
  /** The money of a call had moved: what the call does not charge returns as credit, all of it after a failure (law 4). */
  const returned = (): CreditMovement | undefined => {
    const credit = creditOf(entry);
    return credit && of('returned', credit === 'all' ? undefined : credit.part);
  };
  switch (entry.type) {
    case 'call.finished':
    case 'call.abandoned':
      if (entry.amounts.credited !== undefined) return of('topped_up', entry.amounts.credited);
      return returned();
    case 'call.resolved':
      return returned();
    // Applies also if an ancestor's credit paid for the call: the gateway owes the ancestor that credit while it is in transit.
    case 'call.refunded':
      return of('returned', entry.amounts.amount, entry.payment.asset);
    case 'payment.settled': {
      const { cleared, credited } = entry.payment;
      // The payment of a debt moved after all, so the account removes the debt. The rest of the payment becomes credit too.
      if (cleared !== undefined) return of('late', sum(cleared, credited));
      if (credited === undefined) return undefined;
      // A payment that bought nothing becomes credit in full; that of a metered call, the part that was not charged.
      return of(credited === entry.amounts.amount ? 'late' : 'returned', credited);
    }
    case 'payment.failed':
      return entry.payment.fault === 'payer' ? of('debt', entry.amounts.amount) : undefined;
    case 'credit.adjusted': {
      const line = entry.decision === 'added' ? 'given' : 'taken';
      return of(line, entry.amounts.amount, entry.payment.asset);
    }
    case 'credit.refunded':
      return of('refunded', entry.amounts.amount, entry.payment.asset);
    case 'credit.lent':
      return of('lent', entry.amounts.amount, entry.payment.asset);
  }
};

const sum = (one: string, other = '0'): string =>
  ((parseAmount(one) ?? 0n) + (parseAmount(other) ?? 0n)).toString();
