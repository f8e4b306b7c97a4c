import type { Seconds } from '../core/clock.ts';
import type { CallItem } from './call-query.ts';
import type { SettlementItem, SettlementState } from './settlement-query.ts';
import type { AnswerOf } from './types.ts';
import { present } from './reply.ts';

type SettlementBody = AnswerOf<'settlements.list'>['items'][number];

/** How the money of a call stands; undefined where nothing was ever under way: it was free, or paid from credit and answered. */
export const settlementState = (
  { kept, payment }: Pick<CallItem, 'kept' | 'payment'>,
  open: boolean,
): SettlementState | undefined => {
  if (kept === 'held') return 'kept';
  if (payment !== undefined) return payment.state;
  if (open) return 'open';
  // Kept credit, resolved: it has no payment, and is earned or free again.
  return kept === undefined ? undefined : kept === 'charged' ? 'settled' : 'released';
};

type Known = Pick<
  SettlementItem,
  'account' | 'call' | 'state' | 'tool' | 'asset' | 'acceptedAt' | 'payment' | 'trouble'
> & { readonly amount?: bigint; readonly price?: bigint };

/** A payment in its wire form. `price`: of its call, which is its amount while it is open. */
export const settlementOf = ({ payment, ...known }: Known, now: Seconds): SettlementBody => ({
  account: known.account,
  call: known.call,
  state: known.state,
  amount: (payment?.amount ?? known.amount ?? known.price ?? 0n).toString(),
  at: payment?.at ?? known.acceptedAt ?? 0,
  ...present({
    asset: known.asset as SettlementBody['asset'],
    tool: known.tool,
    credited: payment?.credited.toString(),
    transaction: payment?.transaction,
    block: payment?.block,
    fault: payment?.fault,
    reason: payment?.reason,
    accepted_at: known.acceptedAt,
    ...(known.state === 'open' ? waitOf(known, now) : {}),
  }),
});

/** How long an open payment has waited, and why. */
const waitOf = ({ acceptedAt, trouble }: Known, now: Seconds) => ({
  age: acceptedAt === undefined ? undefined : Math.max(0, now - acceptedAt),
  attempts: trouble?.attempts,
  backend: trouble?.backend,
  last_error: trouble?.error,
  last_error_at: trouble?.error === undefined ? undefined : trouble.at,
});
