import { OPERATORS_LABEL } from '../audit/account-row.ts';
import type { AccountId } from '../protocol/account-id.ts';
import type { Hex } from '../core/hex.ts';
import type { CallState } from '../protocol/account/call.ts';
import type { Seconds } from '../core/clock.ts';
import { acceptedAtOf } from '../settlement/stored-call.ts';
import { withoutNulls } from './page.ts';

/** A call that waits for a person is in the list of approvals until it runs or ends. */
export type ListedState = Exclude<CallState, 'parked'>;

/** The filters of a list of calls. `failed`: released or abandoned, as a total counts failed calls. */
export type CallOutcome = ListedState | 'failed';

export type EndedPayment = 'settled' | 'failed' | 'released';

/** The end of a payment. */
export type PaymentItem = {
  readonly state: EndedPayment;
  readonly amount: bigint;
  /** The part that became credit. */
  readonly credited: bigint;
  readonly transaction?: Hex;
  readonly block?: number;
  readonly fault?: string;
  readonly reason?: string;
  readonly at: Seconds;
};

/** An accepted call, as its stored entries describe it. Amounts are atomic units. */
export type CallItem = {
  readonly account: AccountId;
  /** The label of the account now. Archived calls have none. */
  readonly label?: string;
  readonly call: Hex;
  readonly state: ListedState;
  readonly tool?: string;
  readonly payee?: string;
  readonly request?: Hex;
  readonly binding?: string;
  readonly asset?: string;
  readonly price?: bigint;
  readonly paidBy?: string;
  readonly charged?: bigint;
  /** The amount that its end added to the spend of that day, if it differs from `charged`. */
  readonly spent?: bigint;
  /** The part of the charge that operators gave back, as credit. */
  readonly refunded?: bigint;
  readonly success?: boolean;
  readonly status?: number;
  readonly digest?: Hex;
  readonly reason?: string;
  readonly policy?: Hex;
  /** The amount of a silent tool: `held` until an operator resolves it. */
  readonly kept?: 'held' | 'charged' | 'released';
  readonly acceptedAt: Seconds;
  readonly endedAt?: Seconds;
  /** Seq of the entry that accepted it. */
  readonly firstSeq: number;
  /** Seq of the newest entry that changed it. */
  readonly seq: number;
  /** Absent while the payment is open, and for calls without one. */
  readonly payment?: PaymentItem;
  /** Whether the payment is under way. */
  readonly isOpen: boolean;
};

type Text = string | null;
type Integer = number | null;

/** A row of `calls`, selected by `CALL_COLUMNS`. */
export type CallRow = {
  readonly account: AccountId;
  readonly label?: Text;
  readonly call: Hex;
  readonly state: ListedState;
  readonly tool: Text;
  readonly payee: Text;
  readonly request: Text;
  readonly binding: Text;
  readonly asset: Text;
  readonly price: Integer;
  readonly paid_by: Text;
  readonly charged: Integer;
  readonly spent: Integer;
  readonly refunded: Integer;
  readonly success: Integer;
  readonly status: Integer;
  readonly digest: Text;
  readonly reason: Text;
  readonly policy: Text;
  readonly kept: 'held' | 'charged' | 'released' | null;
  readonly accepted_at: number;
  readonly ended_at: Integer;
  readonly first_seq: number;
  readonly segment: number;
  readonly seq: number;
  readonly payment: 'open' | EndedPayment | null;
  readonly amount: Integer;
  readonly credited: Integer;
  readonly transaction_hash: Text;
  readonly block: Integer;
  readonly fault: Text;
  readonly payment_reason: Text;
  readonly payment_at: Integer;
  readonly payment_seq: Integer;
};

const columnsWith = (label: string): string => `
c.account, c.call, c.state, c.tool, c.payee, c.request, c.binding, c.asset, c.price, c.paid_by, c.charged, c.spent, c.refunded, c.success, c.status, c.digest,
c.reason, c.policy, c.kept, c.accepted_at, c.ended_at, c.first_seq, c.segment, c.seq, c.payment, c.amount, c.credited, c.transaction_hash,
c.block, c.fault, c.payment_reason, c.payment_at, c.payment_seq, (SELECT ${label} FROM accounts WHERE account = c.account) AS label`;

/** The columns of the calls of one account or one tree. */
export const CALL_COLUMNS = columnsWith('label');
/** The columns of the calls of all accounts. */
export const OPERATORS_CALL_COLUMNS = columnsWith(OPERATORS_LABEL);

export const loadCall = (db: D1Database, account: AccountId, call: Hex): Promise<CallRow | null> =>
  db
    .prepare(
      `SELECT ${CALL_COLUMNS} FROM calls c
       WHERE c.accepted_at = ${acceptedAtOf('?1', '?2')} AND c.account = ?1 AND c.call = ?2`,
    )
    .bind(account, call)
    .first<CallRow>();

export const callItemOf = (row: CallRow): CallItem => ({
  ...withoutNulls({
    account: row.account,
    label: row.label ?? null,
    call: row.call,
    state: row.state,
    tool: row.tool,
    payee: row.payee,
    request: row.request as Hex | null,
    binding: row.binding,
    asset: row.asset,
    price: amountOf(row.price),
    paidBy: row.paid_by,
    charged: amountOf(row.charged),
    spent: amountOf(row.spent),
    refunded: amountOf(row.refunded),
    success: row.success === null ? null : row.success === 1,
    status: row.status,
    digest: row.digest as Hex | null,
    reason: row.reason,
    policy: row.policy as Hex | null,
    kept: row.kept,
    endedAt: row.ended_at,
    payment: paymentItem(row),
  }),
  acceptedAt: row.accepted_at,
  firstSeq: row.first_seq,
  seq: row.seq,
  isOpen: row.payment === 'open',
});

export const paymentItem = (row: CallRow): PaymentItem | null =>
  row.payment === null || row.payment === 'open'
    ? null
    : {
        state: row.payment,
        amount: BigInt(row.amount ?? 0),
        credited: BigInt(row.credited ?? 0),
        at: row.payment_at ?? 0,
        ...withoutNulls({
          transaction: row.transaction_hash as Hex | null,
          block: row.block,
          fault: row.fault,
          reason: row.payment_reason,
        }),
      };

/** An amount of one row: a safe integer. */
export const amountOf = (value: number | null | undefined): bigint | null =>
  value === null || value === undefined ? null : BigInt(value);
