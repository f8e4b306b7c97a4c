import { CALL, type CallRecord, WRITTEN_OFF } from '../call/call-record.ts';
import { ended } from '../call/conclude.ts';
import { spentSignature } from '../call/evidence.ts';
import * as money from '../call/money.ts';
import { firstSendAt, LOOK_DELAY } from '../call/settlement-message.ts';
import { applied, refused } from './command-answer.ts';
import { commandEvidence } from './command-evidence.ts';
import { append, type Context, type Decision } from '../decision.ts';
import type { AccountState } from '../state.ts';
import { put } from '../../store/noun.ts';
import type { Seconds } from '../../../src/core/clock.ts';
import type { CommandVerdict } from '../../../src/protocol/account/command-verdict.ts';
import type { AccountCommand } from '../../../src/protocol/account/command.ts';
import type { Json } from '../../../src/protocol/entry.ts';

type Order<Kind extends AccountCommand['kind']> = Extract<AccountCommand, { readonly kind: Kind }>;

/** Sends a payment to the settlement queue again, at once: one that is stuck, or whose message became a dead letter. */
export const redrive = (
  state: AccountState,
  record: CallRecord | undefined,
  { by, order }: Order<'redrive'>,
  context: Context,
): Decision<CommandVerdict> => {
  if (record === undefined) return refused(state, { reason: 'unknown_call' });
  const at = firstSendAt(record);
  if (at === undefined) return refused(state, { reason: 'not_writable', hint: hintOf(record) });
  if (at > context.now) {
    const hint = `The gateway looks at its payment from ${at} (Unix seconds) on, not before.`;
    return refused(state, { reason: 'not_writable', hint });
  }
  const entered = append(state, record, context, {
    type: 'settlement.redriven',
    payment: { state: record.payment },
    evidence: commandEvidence(order, by),
  });
  // Memory sends it again when it sees this entry.
  return { ...applied(entered.state), writes: [put(CALL, entered.record)] };
};

/** Writes off a payment that can no longer be presented and that no observation shows as moved: our loss, no debt. */
export const writeOff = (
  state: AccountState,
  record: CallRecord | undefined,
  { reason, by, order }: Order<'writeOff'>,
  context: Context,
): Decision<CommandVerdict> => {
  if (record === undefined) return refused(state, { reason: 'unknown_call' });
  if (record.payment !== 'queued' && record.payment !== 'sent') {
    return refused(state, { reason: 'not_writable', hint: hintOf(record) });
  }
  // Until then anyone may present it, and the chain decides (law 5).
  const from = lastsUntil(record) + LOOK_DELAY;
  if (context.now < from) {
    const hint = `Its authorization can still move the money. Write it off from ${from} (Unix seconds) on.`;
    return refused(state, { reason: 'not_writable', hint });
  }
  const paid: { readonly [key: string]: Json } = spentSignature(record.held);
  const entered = append(money.writeOff(state, record), ended(record, 'fail'), context, {
    type: 'payment.failed',
    amounts: { amount: record.price.toString() },
    payment: { fault: 'gateway', reason: WRITTEN_OFF },
    outcome: { reason: reason.slice(0, MAX_REASON).toWellFormed() },
    evidence: {
      ...commandEvidence(order, by),
      ...(paid['signature'] === undefined ? {} : { paymentSignature: paid['signature'] }),
    },
  });
  return { ...applied(entered.state), writes: [put(CALL, entered.record)] };
};

const MAX_REASON = 1_000;

/** An authorization is valid for longer than its intent. */
const lastsUntil = ({ held, validBefore }: CallRecord): Seconds =>
  Number(held?.authorization.validBefore ?? validBefore);

const hintOf = ({ payment, state }: CallRecord): string => {
  switch (payment) {
    case 'none':
      return 'The call has no payment of its own.';
    case 'settled':
    case 'failed':
      return `Its payment has ended: ${payment}.`;
    case 'released':
      return 'Its payment was released.';
    case 'held':
      return state === 'held' ? 'The call is still running.' : 'Its payment is being released.';
    case 'queued':
    case 'sent':
      return 'Its payment is open.';
  }
};
