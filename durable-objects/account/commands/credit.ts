import { parseAccountId } from '../../../src/protocol/account-id.ts';
import type { CommandVerdict } from '../../../src/protocol/account/command-verdict.ts';
import type { CreditCommand } from '../../../src/protocol/account/command.ts';
import { max, MAX_STORED } from '../../../src/protocol/amount.ts';
import type { NewEntryOf } from '../../../src/protocol/log/new-entry.ts';
import { put } from '../../store/noun.ts';
import { type Context, type Decision, enter, unstored } from '../decision.ts';
import { freeCredit, type Purse, purseOf, withPurse } from '../purse.ts';
import type { AccountState } from '../state.ts';
import { isFrozen } from '../call/screening.ts';
import { applied, commandEvidence, done, refused } from './command-answer.ts';
import { type Transfer, TRANSFER, transferWith } from './transfer.ts';

type Credit = Extract<CreditCommand, { readonly kind: 'credit' }>;
type Refund = Extract<CreditCommand, { readonly kind: 'refund' }>;
type Adjust = Extract<CreditCommand, { readonly kind: 'adjust' }>;

const MAX_REASON = 1_000;

const UNAVAILABLE: CommandVerdict = { verdict: 'unavailable' };

/** Receives credit from another account. Idempotent by the total. */
export const receive = (
  state: AccountState,
  { from, asset, total }: Credit,
  context: Context,
): Decision<CommandVerdict> => {
  // Totals are stored under the sender's name: without a name, the same total could count twice.
  if (parseAccountId(from) === undefined) return unstored(state, UNAVAILABLE);
  const known = transferWith(context.read, from, asset);
  const purse = purseOf(state, asset);
  // A later message has arrived first: its total includes this amount.
  if (total <= known.received) return done(state, false, { credit: purse.credit });
  const amount = total - known.received;
  // The total would exceed what storage can count, and the commit would fail for its whole group.
  if (max(total, purse.credit + amount) > MAX_STORED) return unstored(state, UNAVAILABLE);
  const credited: Purse = { ...purse, credit: purse.credit + amount };
  return move(state, { ...known, received: total }, credited, context, {
    type: 'credit.received',
    amounts: { amount: amount.toString(), total: total.toString() },
    payment: { asset, from },
  });
};

/**
 * Records credit that the operator has paid back on chain, once for each Transfer log. The chain has moved the money even if the credit was
 * spent meanwhile: the rest is then a debt.
 */
export const recordRefund = (
  state: AccountState,
  { asset, amount, transaction, place, block, call, intent, by }: Refund,
  context: Context,
): Decision<CommandVerdict> => {
  const known = transferWith(context.read, `${transaction}#${place}`, asset);
  const purse = purseOf(state, asset);
  if (known.received > 0n) return done(state, false, { credit: purse.credit });
  const refunded: Purse = {
    ...purse,
    credit: purse.credit - amount,
    // Refunded money earns its payer no trust (law 7).
    settled: max(0n, purse.settled - amount),
  };
  return move(state, { ...known, received: amount }, refunded, context, {
    type: 'credit.refunded',
    evidence: commandEvidence(intent, by),
    amounts: { amount: amount.toString() },
    payment: { asset, transaction, block, log: place },
    // Not in the member `call`: readers would take the entry for one about the call's own payment.
    ...(call === undefined ? {} : { outcome: { call } }),
  });
};

/** An operator adds credit, or takes free credit away: credit that running calls hold or that is lent to descendants stays. */
export const adjust = (
  state: AccountState,
  { asset, amount, reason, by, intent }: Adjust,
  context: Context,
): Decision<CommandVerdict> => {
  // Without the intent's digest a retry would adjust twice.
  if (intent.digest === undefined || intent.attempt === undefined) {
    return unstored(state, { verdict: 'unavailable' });
  }
  const purse = purseOf(state, asset);
  const credit = purse.credit + amount;
  if (amount === 0n)
    return refused(state, {
      reason: 'not_writable',
      hint: 'The amount is zero, so there is nothing to adjust.',
    });
  if (amount < 0n && isFrozen(state)) {
    return refused(state, {
      reason: 'not_writable',
      hint: 'The last screening of the account listed it, so its credit is frozen: a later screening must clear it first (docs/screening.md).',
    });
  }
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
    evidence: commandEvidence(intent, by),
  });
  return applied(entered.state, { credit }, [entered.entry]);
};

const move = (
  state: AccountState,
  transfer: Transfer,
  purse: Purse,
  context: Context,
  body: NewEntryOf<'credit.received' | 'credit.refunded'>,
): Decision<CommandVerdict> => {
  const entered = enter(withPurse(state, transfer.asset, purse), context, body);
  const decision = applied(entered.state, { credit: purse.credit }, [entered.entry]);
  return { ...decision, writes: [...decision.writes, put(TRANSFER, transfer)] };
};
