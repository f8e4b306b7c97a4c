import type { Seconds } from '../core/clock.ts';
import type { Hex } from '../core/hex.ts';
import { withoutUndefined } from '../core/without-undefined.ts';
import type { CallItem, EndedPayment, PaymentItem } from './call-row.ts';
import { withoutNulls } from './page.ts';
import type { AnswerOf } from './routes.ts';
import type { AccountId } from '../protocol/account-id.ts';

/** `kept`: whatever the state of the payment, an operator must resolve the amount of a silent tool (law 4). */
export type SettlementState = 'open' | EndedPayment | 'kept';

export const hasEnded = (state: SettlementState | undefined): state is EndedPayment =>
  state === 'settled' || state === 'failed' || state === 'released';

/** A failed or repeated attempt to settle a payment. */
export type Trouble = {
  /** Rises with each attempt of the payment. */
  readonly attempt: number;
  /** Its last backend: host of a facilitator, or `relayer`. */
  readonly backend?: string;
  readonly error?: string;
  readonly at: Seconds;
};

export type TroubleRow = {
  readonly tries: number | null;
  readonly backend: string | null;
  readonly error: string | null;
  readonly tried_at: number | null;
};

export const TROUBLE_COLUMNS = 't.attempt AS tries, t.backend, t.error, t.at AS tried_at';

export const troubleOf = ({ tries, backend, error, tried_at: at }: TroubleRow): Trouble | null =>
  tries === null ? null : { attempt: tries, at: at ?? 0, ...withoutNulls({ backend, error }) };

/** The state of a call's payment; undefined if it never had one (a free call, or an answered call paid from credit). */
export const settlementState = ({
  kept,
  payment,
  isOpen,
}: Pick<CallItem, 'kept' | 'payment' | 'isOpen'>): SettlementState | undefined => {
  if (kept === 'held') return 'kept';
  if (payment !== undefined) return payment.state;
  if (isOpen) return 'open';
  // Kept credit that an operator resolved: it has no payment.
  return kept === undefined ? undefined : kept === 'charged' ? 'settled' : 'released';
};

/** The rows that the body of a settlement combines. `price`: the price of the call; an open payment has no other amount. */
type Source = {
  readonly account: AccountId;
  readonly label?: string;
  readonly call: Hex;
  readonly state: SettlementState;
  readonly tool?: string;
  readonly asset?: string;
  readonly acceptedAt?: Seconds;
  readonly payment?: PaymentItem;
  readonly trouble?: Trouble;
  readonly amount?: bigint;
  readonly price?: bigint;
};

type Body = AnswerOf<'settlements.list'>['items'][number];

/** A payment in its wire form. */
export const settlementBody = (source: Source, now: Seconds): Body => {
  const { payment } = source;
  return {
    account: source.account,
    call: source.call,
    state: source.state,
    amount: (payment?.amount ?? source.amount ?? source.price ?? 0n).toString(),
    at: payment?.at ?? source.acceptedAt ?? 0,
    ...withoutUndefined({
      label: source.label,
      asset: source.asset as Body['asset'],
      tool: source.tool,
      credited: payment?.credited.toString(),
      transaction: payment?.transaction,
      block: payment?.block,
      fault: payment?.fault,
      reason: payment?.reason,
      accepted_at: source.acceptedAt,
      ...(source.state === 'open' ? waitOf(source, now) : {}),
    }),
  };
};

/** The age of an open payment, and its newest attempt. */
const waitOf = ({ acceptedAt, trouble }: Source, now: Seconds) => ({
  age: acceptedAt === undefined ? undefined : Math.max(0, now - acceptedAt),
  attempts: trouble?.attempt,
  backend: trouble?.backend,
  last_error: trouble?.error,
  last_error_at: trouble?.error === undefined ? undefined : trouble.at,
});
