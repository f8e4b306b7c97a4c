import { parseAmount, toStored } from '../protocol/amount.ts';
import type { Hex } from '../core/hex.ts';
import { type Day, dayOf } from './day.ts';
import type { Entry, Json } from '../protocol/entry.ts';

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
export const creditMovement = (entry: Entry): CreditMovement | undefined => {
  const { call, amounts = {}, payment = {} } = entry;
  const of = (line: CreditLine, amount: string | undefined): CreditMovement => ({
    day: dayOf(entry.at),
    line,
    ...(call === undefined ? {} : { call }),
    ...(typeof payment.asset === 'string' ? { asset: payment.asset } : {}),
    ...(amount === undefined ? {} : { amount: toStored(parseAmount(amount) ?? 0n) }),
  });
  switch (entry.type) {
    case 'call.finished':
    case 'call.abandoned':
    case 'call.resolved':
      if (amounts['credited'] !== undefined) return of('topped_up', amounts['credited']);
      // The money of a call that was not charged had moved: all of it returns as credit (law 4).
      return payment.state === 'settled' &&
        payment.paidBy === 'upfront' &&
        amounts['charged'] === '0'
        ? of('returned', undefined)
        : undefined;
    // Also of a call that an ancestor's credit paid: the gateway owes it that credit while it is in transit.
    case 'call.refunded':
      return of('returned', amounts['amount']);
    case 'payment.settled':
      // The payment of a debt moved after all, so the account removes the debt.
      if (isText(payment.cleared)) return of('late', payment.cleared);
      return isText(payment.credited) ? of('late', payment.credited) : undefined;
    case 'payment.failed':
      return payment.fault === 'payer' ? of('debt', amounts['amount']) : undefined;
    case 'credit.adjusted':
      return of(entry.decision === 'added' ? 'given' : 'taken', amounts['amount']);
    case 'credit.refunded':
      return of('refunded', amounts['amount']);
    case 'credit.lent':
      return of('lent', amounts['amount']);
    case 'call.accepted':
    case 'call.parked':
    case 'call.approved':
    case 'call.refused':
    case 'call.denied':
    case 'call.dispatched':
    case 'call.late':
    case 'payment.released':
    case 'payment.bounced':
    case 'credit.received':
    case 'grant.issued':
    case 'grant.accepted':
    case 'grant.taken':
    case 'grant.revoked':
    case 'grant.default':
    case 'lease.closed':
    case 'account.status':
    case 'account.policy':
    case 'account.label':
    case 'policy.default':
    case 'tool.listed':
    case 'tool.put':
    case 'tool.removed':
    case 'webhook.put':
    case 'webhook.removed':
    case 'secret.put':
    case 'secret.removed':
    case 'settlement.redriven':
    case 'letter.redriven':
    case 'alert.raised':
    case 'archive.written':
    case 'signer.signed':
    case 'signer.refused':
    case 'signer.failed':
    case 'signer.enrolled':
    case 'signer.policy':
    case 'signer.revoked':
    case 'signer.rotated':
    case 'signer.seed':
    case 'signer.exported':
      return undefined;
  }
};

const isText = (value: Json | undefined): value is string => typeof value === 'string';
