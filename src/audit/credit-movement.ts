import { parseAmount, toStored } from '../protocol/amount.ts';
import type { Hex } from '../core/hex.ts';
import { type Day, dayOf } from './day.ts';
import type { Entry, Json } from '../protocol/entry.ts';

/** What a movement of credit is, as the books name it. The first four are more credit, the others less. */
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
 * Credit that came or went otherwise than by paying for a call of its own account. `amount` and `asset` are missing where they are
 * those of the call, which its own row knows.
 */
export type CreditMovement = {
  readonly day: Day;
  readonly line: CreditLine;
  readonly amount?: number;
  readonly asset?: string;
  readonly call?: Hex;
};

/**
 * What an entry says of credit. Credit that an account bought for another one counts when it is paid for, so `credit.received` counts
 * nothing: what is on its way between the two is owed all the same. Pure. @throws RangeError for an amount storage would round
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
      // Money that had moved for a call that cost nothing in the end (law 4): all of its price.
      return payment.state === 'settled' &&
        payment.paidBy === 'upfront' &&
        amounts['charged'] === '0'
        ? of('returned', undefined)
        : undefined;
    case 'payment.settled':
      // A debt whose payment moved after all: the account takes it off, so the books do.
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
    case 'account.status':
    case 'account.policy':
    case 'account.label':
    case 'tool.put':
    case 'tool.removed':
    case 'webhook.put':
    case 'webhook.removed':
    case 'settlement.redriven':
    case 'letter.redriven':
    case 'alert.raised':
      return undefined;
  }
};

const isText = (value: Json | undefined): value is string => typeof value === 'string';
