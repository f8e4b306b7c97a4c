import type { AccountId } from '../../../src/protocol/account-id.ts';
import type { CommandVerdict } from '../../../src/protocol/account/command-verdict.ts';
import type { AccountCommand, CallCharge } from '../../../src/protocol/account/command.ts';
import { formatDollars, MAX_STORED } from '../../../src/protocol/amount.ts';
import { isFiat } from '../../../src/protocol/fiat-asset.ts';
import type { PaymentState } from '../../../src/protocol/payment.ts';
import { put } from '../../store/noun.ts';
import { type CallRecord, keepsHold } from '../call/call-record.ts';
import { type Context, type Decision, enter, unstored } from '../decision.ts';
import { purseOf, withPurse } from '../purse.ts';
import type { AccountState } from '../state.ts';
import { issuerOf, linksOf } from '../tree/grants.ts';
import { applied, commandEvidence, refused } from './command-answer.ts';
import { sendMore, TRANSFER, transferWith } from './transfer.ts';

type RefundCall = Extract<AccountCommand, { readonly kind: 'refundCall' }>;

const MAX_REASON = 1_000;

/**
 * Refunds the charge of a call, in whole or in part, as credit of the payer: the account, or the ancestor whose credit paid. The call's
 * refunds are one total that only grows, and it never exceeds the charge. Counters of limits keep the charge, because a refund must not add
 * budget (law 6).
 *
 * @param record the call, if the account still has it; it then takes precedence over any other description of the charge
 */
export const refundCall = (
  state: AccountState,
  record: CallRecord | undefined,
  { call, amount: wanted, charge: stored, reason, by, intent }: RefundCall,
  context: Context,
): Decision<CommandVerdict> => {
  // Without the intent's digest a retry of a partial refund would refund twice.
  if (intent.digest === undefined || intent.attempt === undefined) {
    return unstored(state, { verdict: 'unavailable' });
  }
  const charge = record === undefined ? stored : chargeOf(record);
  if (charge === undefined) return refused(state, { reason: 'unknown_call' });
  const refuse = (hint: string) => refused(state, { reason: 'not_writable', hint });
  const obstacle = obstacleTo(charge);
  if (obstacle !== undefined) return refuse(obstacle);
  const { asset, charged } = charge;
  const known = transferWith(context.read, call, asset);
  const remaining = charged - known.received;
  const amount = wanted ?? remaining;
  if (remaining <= 0n) return refuse(`All of its charge was refunded: ${formatDollars(charged)}.`);
  if (amount <= 0n || amount > remaining) {
    return refuse(
      `Of its charge, ${formatDollars(remaining)} (${remaining} atomic units) can still be refunded.`,
    );
  }
  const to = payerOf(state, charge);
  if (to === undefined) return refuse(LENDER_UNKNOWN);
  const total = known.received + amount;
  const purse = purseOf(state, asset);
  const isOwn = to === state.account;
  const credit = purse.credit + (isOwn ? amount : 0n);
  if (credit > MAX_STORED) return refuse('The credit would exceed what an account can hold.');
  const entered = enter(withPurse(state, asset, { ...purse, credit }), context, {
    type: 'call.refunded',
    call,
    tool: charge.tool,
    amounts: { amount: amount.toString(), refunded: total.toString() },
    payment: { asset, paidBy: charge.paidBy, to },
    outcome: { reason: reason.slice(0, MAX_REASON).toWellFormed() },
    evidence: commandEvidence(intent, by),
  });
  const refund = {
    ...{ asset, to, amount: amount.toString() },
    ...{ refunded: total.toString(), charged: charged.toString() },
  };
  const decision = applied(entered.state, { refund, ...(isOwn ? { credit } : {}) }, [
    entered.entry,
  ]);
  return {
    ...decision,
    writes: [
      ...decision.writes,
      put(TRANSFER, { ...known, received: total }),
      ...(isOwn ? [] : [sendMore(context.read, to, asset, amount)]),
    ],
  };
};

const chargeOf = (record: CallRecord): CallCharge => {
  const lender = record.entries.find(({ type }) => type === 'call.accepted')?.payment?.['lender'];
  return {
    tool: record.tool,
    asset: record.asset,
    state: record.state,
    paidBy: record.paidBy,
    payment: paymentOf(record.payment),
    charged: record.charged,
    isKept: keepsHold(record),
    isTopUp: record.topUp !== undefined,
    ...(typeof lender === 'string' ? { lender: lender as `0x${string}` } : {}),
  };
};

const paymentOf = (payment: PaymentState): CallCharge['payment'] =>
  payment === 'held' || payment === 'queued' || payment === 'sent' ? 'open' : payment;

/** Why a charge cannot be refunded: the payer has not paid it, or not yet, or has already got its money back in another way. */
const obstacleTo = (charge: CallCharge): string | undefined => {
  if (charge.state === 'held') return 'The call is still running. Refund it once it has ended.';
  if (charge.isKept) {
    return 'The price of the call is held because its tool gave no answer. Resolve it instead: `countersign settlements resolve`.';
  }
  if (charge.charged <= 0n) return 'The call was charged nothing.';
  if (isFiat(charge.asset)) {
    return 'A card paid the call, so there is no credit to give back. Refund it at the merchant or the issuer of the card.';
  }
  if (charge.isTopUp) {
    return 'The call bought credit. To give the money back, pay it on chain and record that with `countersign credits refund`.';
  }
  switch (charge.payment) {
    case 'none':
    case 'settled':
      return undefined;
    // If the payment fails later, a refund would have credited money that the payer never paid.
    case 'open':
      return 'Its payment has not settled yet. Refund the call once it has; `countersign settlements redrive` presents it now.';
    case 'failed':
    case 'released':
      return 'Its payment did not settle, so the gateway has no money to give back. If the payer owes a debt for it, waive that with `countersign credits adjust`.';
  }
};

const LENDER_UNKNOWN =
  'The credit of an ancestor paid, under a grant that has ended. Give it back with `countersign credits adjust <ancestor> --give`.';

/** The account whose money paid. An ancestor lent its credit under one of the grants above this account. */
const payerOf = (state: AccountState, { paidBy, lender }: CallCharge): AccountId | undefined => {
  if (paidBy !== 'lent') return state.account;
  const link = state.held.flatMap(linksOf).find(({ hash }) => hash === lender);
  return link && issuerOf(link);
};
