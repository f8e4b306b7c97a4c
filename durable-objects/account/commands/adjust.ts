import type { CommandVerdict } from '../../../src/protocol/account/command-verdict.ts';
import type { CreditCommand } from '../../../src/protocol/account/command.ts';
import { max, MAX_STORED } from '../../../src/protocol/amount.ts';
import { type Context, type Decision, enter, unchanged } from '../decision.ts';
import { freeCredit, purseOf, withPurse } from '../purse.ts';
import type { AccountState } from '../state.ts';
import { commandEvidence } from './command-evidence.ts';
import { applied, refused } from './command-answer.ts';

type Adjust = Extract<CreditCommand, { readonly kind: 'adjust' }>;

const MAX_REASON = 1_000;

/** An operator adds credit, or takes free credit away: credit that running calls hold or that is lent to descendants stays. */
export const adjust = (
  state: AccountState,
  { asset, amount, reason, by, order }: Adjust,
  context: Context,
): Decision<CommandVerdict> => {
  // Without the intent's digest a retry would adjust twice.
  if (order.digest === undefined || order.attempt === undefined) {
    return unchanged(state, { verdict: 'unavailable' });
  }
  const purse = purseOf(state, asset);
  const credit = purse.credit + amount;
  if (amount === 0n)
    return refused(state, {
      reason: 'not_writable',
      hint: 'The amount is zero, so there is nothing to adjust.',
    });
  if (amount < 0n && freeCredit(purse) + amount < 0n) {
    const free = max(0n, freeCredit(purse));
    return refused(state, { reason: 'credit_too_low', credit: free.toString() });
  }
  if (max(credit, amount) > MAX_STORED) {
    return refused(state, {
      reason: 'not_writable',
      hint: 'The credit would exceed the maximum that an account can hold.',
    });
  }
  const credited = withPurse(state, asset, { ...purse, credit });
  const entered = enter(credited, context, {
    type: 'credit.adjusted',
    // Amounts in entries have no sign.
    decision: amount > 0n ? 'added' : 'taken',
    amounts: { amount: max(amount, -amount).toString() },
    payment: { asset, credit: credit.toString() },
    outcome: { reason: reason.slice(0, MAX_REASON).toWellFormed() },
    evidence: commandEvidence(order, by),
  });
  return applied(entered.state, { credit }, [entered.entry]);
};
