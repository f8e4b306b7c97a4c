import { max, MAX_STORED } from '../../../src/protocol/amount.ts';
import { link } from '../../../src/audit/entry.ts';
import type { Applied } from '../../../src/protocol/account/applied.ts';
import type { CreditCommand } from '../../../src/protocol/account/command.ts';
import { type Context, type Decision, unchanged } from '../decision.ts';
import { evidenceOf } from './ordered.ts';
import { type AccountState, freeCredit, purseOf, withPurse } from '../state.ts';
import { refused, told } from './tree-change.ts';

type Adjust = Extract<CreditCommand, { readonly kind: 'adjust' }>;

const MAX_REASON = 1_000;

/** An operator adds credit, or takes free credit away: credit that running calls hold and descendants have stays. */
export const adjust = (
  state: AccountState,
  { asset, amount, reason, by, order }: Adjust,
  context: Context,
): Decision<Applied> => {
  // Without the intent's digest a retry would adjust twice.
  if (order.digest === undefined || order.attempt === undefined) {
    return unchanged(state, { verdict: 'unavailable' });
  }
  const purse = purseOf(state, asset);
  const credit = purse.credit + amount;
  if (amount === 0n) return refused(state, { reason: 'not_writable', hint: 'Nothing to adjust.' });
  if (amount < 0n && freeCredit(purse) + amount < 0n) {
    const free = max(0n, freeCredit(purse));
    return refused(state, { reason: 'credit_too_low', credit: free.toString() });
  }
  if (max(credit, amount) > MAX_STORED) {
    return refused(state, { reason: 'not_writable', hint: 'More than an account can hold.' });
  }
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
  const next = { ...withPurse(state, asset, { ...purse, credit }), head };
  return { ...told(next, { credit }), loose: [entry] };
};
