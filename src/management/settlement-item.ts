import type { Seconds } from '../core/clock.ts';
import type { Hex } from '../core/hex.ts';
import type { AccountId } from '../protocol/account-id.ts';
import { amountOf, type CallRow, paymentItem, type PaymentItem } from './call-row.ts';
import { withoutNulls } from './page.ts';
import {
  type SettlementState,
  type Trouble,
  troubleOf,
  type TroubleRow,
} from './settlement-body.ts';

/** A payment that is open or has ended, or the amount that a silent tool keeps. */
export type SettlementItem = {
  readonly account: AccountId;
  /** The label of the account now. Archived payments have none. */
  readonly label?: string;
  readonly call: Hex;
  readonly state: SettlementState;
  readonly tool?: string;
  readonly payee?: string;
  readonly asset?: string;
  readonly amount?: bigint;
  readonly paidBy?: string;
  readonly acceptedAt?: Seconds;
  readonly endedAt?: Seconds;
  readonly payment?: PaymentItem;
  /** The newest attempt; only for an open payment that did not settle at the first one. */
  readonly trouble?: Trouble;
};

/** A row of `calls` with the newest attempt of its payment. */
export type SettlementRow = CallRow & TroubleRow;

/** An archived payment has ended, so no attempt of it is pending. */
export const untried = (row: CallRow): SettlementRow => ({
  ...row,
  ...{ tries: null, backend: null, error: null, tried_at: null },
});

export const settlementItem = (row: SettlementRow): SettlementItem =>
  withoutNulls({
    account: row.account,
    label: row.label ?? null,
    call: row.call,
    state: row.kept === 'held' ? ('kept' as const) : (row.payment ?? ('open' as const)),
    tool: row.tool,
    payee: row.payee,
    asset: row.asset,
    amount: amountOf(row.amount ?? row.price),
    paidBy: row.paid_by,
    acceptedAt: row.accepted_at,
    endedAt: row.ended_at,
    payment: paymentItem(row),
    // The rows in `attempts` may outlive the open payment.
    trouble: row.payment === 'open' ? troubleOf(row) : null,
  });
