import type { SettlementItem } from '../audit/query/settlement.ts';
import type { AnswerOf } from './asked.ts';
import { present } from './reply.ts';

type SettlementBody = AnswerOf<'settlements.list'>['items'][number];

type Known = Pick<
  SettlementItem,
  'account' | 'call' | 'state' | 'tool' | 'asset' | 'acceptedAt' | 'payment'
> & { readonly amount?: bigint; readonly price?: bigint };

/** A payment in its wire form. `price`: of its call, which is its amount while it is open. */
export const settlementOf = ({ payment, ...known }: Known): SettlementBody => ({
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
  }),
});
