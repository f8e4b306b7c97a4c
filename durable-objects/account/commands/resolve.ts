import type { CommandVerdict } from '../../../src/protocol/account/command-verdict.ts';
import type { AccountCommand } from '../../../src/protocol/account/command.ts';
import { put } from '../../store/noun.ts';
import { CALL, type CallRecord, keepsHold } from '../call/call-record.ts';
import * as money from '../call/money.ts';
import { append, type Context, type Decision } from '../decision.ts';
import type { AccountState } from '../state.ts';
import { applied, refused } from './command-answer.ts';
import { commandEvidence } from './command-evidence.ts';

type Order = Extract<AccountCommand, { readonly kind: 'resolve' }>;

const MAX_REASON = 1_000;

/**
 * Resolves a call whose silent tool an operator has checked (law 4): charges the price, or releases the hold; money that had moved becomes
 * credit. The call stays `abandoned`, because its answer never came. Works once, because the entry ends the hold (`keepsHold`).
 */
export const resolve = (
  state: AccountState,
  record: CallRecord | undefined,
  { charge, reason, by, order }: Order,
  context: Context,
): Decision<CommandVerdict> => {
  if (record === undefined) return refused(state, { reason: 'unknown_call' });
  if (!keepsHold(record)) return refused(state, { reason: 'not_writable', hint: hintOf(record) });
  const charged = charge ? record.price : 0n;
  const entered = append(
    charge ? money.spend(state, record, charged) : money.release(state, record),
    { ...record, charged },
    context,
    {
      type: 'call.resolved',
      decision: charge ? 'charged' : 'released',
      // Both amounts: the entry that ended the call counts what had moved as charged, so a sum of the log takes the difference.
      amounts: { charged: charged.toString(), before: record.charged.toString() },
      outcome: { reason: reason.slice(0, MAX_REASON).toWellFormed() },
      payment: { state: record.payment, paidBy: record.paidBy },
      evidence: commandEvidence(order, by),
    },
  );
  return { ...applied(entered.state), writes: [put(CALL, entered.record)] };
};

const hintOf = ({ state, entries }: CallRecord): string => {
  if (state === 'held') return 'The call is still running.';
  const before = entries.find(({ type }) => type === 'call.resolved');
  return before === undefined
    ? `The account keeps no amount of this call: it has ended as ${state}.`
    : `It has been resolved: ${before.decision ?? ''}.`;
};
