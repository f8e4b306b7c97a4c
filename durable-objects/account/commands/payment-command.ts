import type { Seconds } from '../../../src/core/clock.ts';
import type { CommandVerdict } from '../../../src/protocol/account/command-verdict.ts';
import type { AccountCommand } from '../../../src/protocol/account/command.ts';
import type { Json } from '../../../src/protocol/entry.ts';
import { put } from '../../store/noun.ts';
import { type CallRecord, keepsHold, WRITTEN_OFF } from '../call/call-record.ts';
import { CALL } from '../call/stored-call.ts';
import { ended } from '../call/conclude.ts';
import { spentSignature } from '../call/evidence.ts';
import * as money from '../call/money.ts';
import { firstSendAt, LOOK_DELAY } from '../call/settlement-message.ts';
import { append, type Context, type Decision } from '../decision.ts';
import type { AccountState } from '../state.ts';
import { applied, commandEvidence, logged, refused } from './command-answer.ts';

type CommandOf<Kind extends AccountCommand['kind']> = Extract<
  AccountCommand,
  { readonly kind: Kind }
>;

/** The longest texts that an entry stores, in characters. */
const MAX_REASON = 1_000;
const MAX_NAME = 512;

/** Sends a stuck payment, or one whose message became a dead letter, to the settlement queue again at once. */
export const redrive = (
  state: AccountState,
  record: CallRecord | undefined,
  { by, intent }: CommandOf<'redrive'>,
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
    evidence: commandEvidence(intent, by),
  });
  // Memory sends it again when it sees this entry.
  return { ...applied(entered.state), writes: [put(CALL, entered.record)] };
};

/** Writes off a payment that can no longer be presented and that no observation shows as moved: the operator's loss, no debt. */
export const writeOff = (
  state: AccountState,
  record: CallRecord | undefined,
  { reason, by, intent }: CommandOf<'writeOff'>,
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
    amounts: { amount: record.charged.toString() },
    payment: { fault: 'gateway', reason: WRITTEN_OFF },
    outcome: { reason: shortened(reason, MAX_REASON) },
    evidence: {
      ...commandEvidence(intent, by),
      ...(paid['signature'] === undefined ? {} : { paymentSignature: paid['signature'] }),
    },
  });
  return { ...applied(entered.state), writes: [put(CALL, entered.record)] };
};

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

/**
 * Resolves a call whose silent tool an operator has checked (law 4): charges the price, or releases the hold; money that had moved becomes
 * credit. The call stays `abandoned`, because its answer never came. Works once, because the entry ends the hold (`keepsHold`).
 */
export const resolve = (
  state: AccountState,
  record: CallRecord | undefined,
  { charge, reason, by, intent }: CommandOf<'resolve'>,
  context: Context,
): Decision<CommandVerdict> => {
  if (record === undefined) return refused(state, { reason: 'unknown_call' });
  if (!keepsHold(record)) return refused(state, { reason: 'not_writable', hint: endOf(record) });
  const charged = charge ? record.price : 0n;
  const entered = append(
    charge ? money.spend(state, record, charged) : money.release(state, record),
    { ...record, charged },
    context,
    {
      type: 'call.resolved',
      decision: charge ? 'charged' : 'released',
      // Contains both amounts: the entry that ended the call counted the moved money as charged, so sums over the log add the difference.
      amounts: { charged: charged.toString(), before: record.charged.toString() },
      outcome: { reason: shortened(reason, MAX_REASON) },
      payment: { state: record.payment, paidBy: record.paidBy },
      evidence: commandEvidence(intent, by),
    },
  );
  return { ...applied(entered.state), writes: [put(CALL, entered.record)] };
};

const endOf = ({ state, entries }: CallRecord): string => {
  if (state === 'held') return 'The call is still running.';
  const before = entries.find(({ type }) => type === 'call.resolved');
  return before === undefined
    ? `The account keeps no amount of this call: it has ended as ${state}.`
    : `It has been resolved: ${before.decision ?? ''}.`;
};

/** Records that an operator resent a dead letter. It changes nothing else here; its signed intent is valid once. */
export const noteDeadLetter = (
  state: AccountState,
  { id, queue, by, intent }: CommandOf<'deadLetter'>,
  context: Context,
): Decision<CommandVerdict> =>
  logged(
    state,
    {
      type: 'letter.redriven',
      outcome: { letter: shortened(id, MAX_NAME), queue: shortened(queue, MAX_NAME) },
      evidence: commandEvidence(intent, by),
    },
    context,
  );

const shortened = (text: string, most: number): string => text.slice(0, most).toWellFormed();
