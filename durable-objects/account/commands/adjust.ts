import { max, MAX_STORED } from '../../../src/protocol/amount.ts';
import { link } from '../../../src/audit/entry.ts';
import type { Applied } from '../../../src/protocol/account/applied.ts';
import type { Order } from '../../../src/protocol/account/command.ts';
import { type Context, type Decision, unchanged } from '../decision.ts';
import { evidenceOf, once } from './ordered.ts';
import { type AccountState, freeCredit, purseOf, withPurse } from '../state.ts';

type Adjust = Extract<Order, { readonly kind: 'adjust' }>;

/** `Applied` as it is remembered: amounts as text. */
type Told =
  | { readonly verdict: 'applied'; readonly credit: string }
  | Extract<Applied, { readonly verdict: 'refused' }>
  | Extract<Applied, { readonly verdict: 'unavailable' }>;

const MAX_REASON = 1_000;

/** An operator gives credit, or takes it away: at most what is free, so that no running call, and nobody below, loses what it has. */
export const adjust = (state: AccountState, order: Adjust, context: Context): Decision<Applied> => {
  const refuse = (fault: Extract<Applied, { readonly verdict: 'refused' }>['fault']) =>
    unchanged<Told>(state, { verdict: 'refused', fault });
  if (order.by !== undefined && order.by.role !== 'operator') {
    return toApplied(refuse({ reason: 'forbidden' }));
  }
  // Nothing in it says how often it was meant: without the intent's digest a retry would give twice.
  if (order.order.digest === undefined || order.order.attempt === undefined) {
    return unchanged(state, { verdict: 'unavailable' });
  }
  const decision = once<Told>(
    state,
    order.order,
    context,
    {
      used: { verdict: 'refused', fault: { reason: 'already_used' } },
      unavailable: { verdict: 'unavailable' },
    },
    () => {
      const { asset, amount } = order;
      const purse = purseOf(state, asset);
      const credit = purse.credit + amount;
      if (amount === 0n) return refuse({ reason: 'not_writable', hint: 'Nothing to adjust.' });
      if (amount < 0n && freeCredit(purse) + amount < 0n) {
        const free = max(0n, freeCredit(purse));
        return refuse({ reason: 'credit_too_low', credit: free.toString() });
      }
      if (max(credit, amount) > MAX_STORED) {
        return refuse({ reason: 'not_writable', hint: 'More than an account can hold.' });
      }
      return applied(state, order, credit, context);
    },
  );
  return toApplied(decision);
};

const applied = (
  state: AccountState,
  { asset, amount, reason, by, order }: Adjust,
  credit: bigint,
  context: Context,
): Decision<Told> => {
  const { entry, head } = link(state.head, state.account, context.salt(), {
    type: 'credit.adjusted',
    at: context.now,
    // Amounts in entries have no sign.
    decision: amount > 0n ? 'added' : 'taken',
    amounts: { amount: max(amount, -amount).toString() },
    payment: { asset, credit: credit.toString() },
    outcome: { reason: reason.slice(0, MAX_REASON).toWellFormed() },
    evidence: evidenceOf(order, by),
  });
  return {
    state: { ...withPurse(state, asset, { ...purseOf(state, asset), credit }), head },
    records: [],
    loose: [entry],
    durable: true,
    verdict: { verdict: 'applied', credit: credit.toString() },
  };
};

const toApplied = ({ verdict, ...decision }: Decision<Told>): Decision<Applied> => ({
  ...decision,
  verdict: verdict.verdict === 'applied' ? { ...verdict, credit: BigInt(verdict.credit) } : verdict,
});
