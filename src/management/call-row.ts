import type { AccountId } from '../protocol/account-id.ts';
import type { Hex } from '../core/hex.ts';
import type { CallItem, CallState, EndedPayment, PaymentItem } from './call-query.ts';

type Text = string | null;
type Count = number | null;

/** A row of `calls` with its row of `payments`, as the statements below select them. */
export type CallRow = {
  readonly account: AccountId;
  readonly call: Hex;
  readonly state: CallState;
  readonly tool: Text;
  readonly payee: Text;
  readonly request: Text;
  readonly binding: Text;
  readonly asset: Text;
  readonly price: Count;
  readonly paid_by: Text;
  readonly charged: Count;
  readonly success: Count;
  readonly status: Count;
  readonly digest: Text;
  readonly reason: Text;
  readonly policy: Text;
  readonly kept: 'held' | 'charged' | 'released' | null;
  readonly accepted_at: Count;
  readonly ended_at: Count;
  readonly first_seq: Count;
  readonly seq: number;
  readonly payment_state: EndedPayment | null;
  readonly amount: Count;
  readonly credited: Count;
  readonly transaction_hash: Text;
  readonly block: Count;
  readonly fault: Text;
  readonly payment_reason: Text;
  readonly payment_at: Count;
  readonly payment_seq: Count;
};

export const CALL_COLUMNS = `
c.account, c.call, c.state, c.tool, c.payee, c.request, c.binding, c.asset, c.price, c.paid_by, c.charged, c.success, c.status, c.digest,
c.reason, c.policy, c.kept, c.accepted_at, c.ended_at, c.first_seq, c.seq, p.state AS payment_state, p.amount, p.credited, p.transaction_hash,
p.block, p.fault, p.reason AS payment_reason, p.at AS payment_at, p.seq AS payment_seq`;

export const callItem = (row: CallRow): CallItem => ({
  ...known({
    account: row.account,
    call: row.call,
    state: row.state,
    tool: row.tool,
    payee: row.payee,
    request: row.request as Hex | null,
    binding: row.binding,
    asset: row.asset,
    price: money(row.price),
    paidBy: row.paid_by,
    charged: money(row.charged),
    success: row.success === null ? null : row.success === 1,
    status: row.status,
    digest: row.digest as Hex | null,
    reason: row.reason,
    policy: row.policy as Hex | null,
    kept: row.kept,
    acceptedAt: row.accepted_at,
    endedAt: row.ended_at,
    payment: paymentItem(row),
  }),
  seq: row.seq,
});

export const paymentItem = (row: CallRow): PaymentItem | null =>
  row.payment_state === null
    ? null
    : {
        state: row.payment_state,
        amount: BigInt(row.amount ?? 0),
        credited: BigInt(row.credited ?? 0),
        at: row.payment_at ?? 0,
        ...known({
          transaction: row.transaction_hash as Hex | null,
          block: row.block,
          fault: row.fault,
          reason: row.payment_reason,
        }),
      };

/** An amount of one row: storage takes safe integers only. */
export const money = (value: number | null): bigint | null =>
  value === null ? null : BigInt(value);

type Known<T> = { readonly [K in keyof T as null extends T[K] ? never : K]: T[K] } & {
  readonly [K in keyof T as null extends T[K] ? K : never]?: NonNullable<T[K]>;
};

/** Without what is NULL. */
export const known = <T extends object>(members: T): Known<T> =>
  Object.fromEntries(Object.entries(members).filter(([, value]) => value !== null)) as Known<T>;
