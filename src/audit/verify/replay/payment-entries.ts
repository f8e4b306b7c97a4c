import type { Entry } from '../../../protocol/entry.ts';
import type { ReplayedCall } from './call.ts';
import { textOf } from './members.ts';
import * as money from './money.ts';
import { amountFaults, type CallEntry, refuse, type Step, type StepFault } from './step.ts';

/* Entries about the payment of a call (docs/audit-format.md, checks `calls` and `payments`). */

/** The chain moved the payment. */
export const paymentSettled = (about: CallEntry): Step => {
  const { account, call, entry } = about;
  const next: ReplayedCall = { ...call, payment: 'settled' };
  const faults = amountFaults(entry, { amount: call.price });
  const late = (credited: bigint, amount: bigint, member: string | undefined): Step => ({
    account: money.settleLate(account, call, credited, amount),
    call: next,
    faults: [...faults, ...lateFaults(entry, member, credited)],
  });
  switch (call.payment) {
    case 'held':
      return call.paidBy === 'upfront' && call.state === 'held'
        ? { account: money.settleUpfront(account, call), call: next, faults }
        : refuse(about, 'type');
    case 'queued':
      return { account: money.settleDeferred(account, call), call: next, faults };
    case 'released':
      return late(call.price, call.price, 'credited');
    case 'failed':
      if (call.fault === 'payer') return late(call.charged, call.charged, 'cleared');
      return call.fault === 'gateway'
        ? late(0n, call.charged, undefined)
        : late(call.price, call.price, 'credited');
    case 'none':
    case 'settled':
      return refuse(about, 'type');
  }
};

/** The amount that a late settlement credits, or clears of a debt. */
const lateFaults = (
  { payment }: Entry,
  member: string | undefined,
  amount: bigint,
): readonly StepFault[] =>
  ['credited', 'cleared'].flatMap((each): readonly StepFault[] =>
    textOf(payment?.[each]) === (each === member ? amount.toString() : undefined)
      ? []
      : [{ check: 'payments', reason: 'wrong_amount', field: `payment.${each}` }],
  );

/** The payment can never move. */
export const paymentFailed = (about: CallEntry): Step => {
  const { account, call, entry } = about;
  const fault = textOf(entry.payment?.['fault']);
  const next: ReplayedCall = { ...call, payment: 'failed', fault };
  if (call.payment === 'queued' && (fault === 'payer' || fault === 'gateway')) {
    return {
      account: fault === 'payer' ? money.recordDebt(account, call) : money.writeOff(account, call),
      call: next,
      faults: amountFaults(entry, { amount: call.price }),
    };
  }
  return call.payment === 'queued' ? refuse(about, 'payment.fault') : endUpfront(about, next);
};

/** An upfront payment was never used. */
export const paymentReleased = (about: CallEntry): Step =>
  endUpfront(about, { ...about.call, payment: 'released' });

/** A payment that ends before its tool has run ends the call. */
const endUpfront = (about: CallEntry, next: ReplayedCall): Step => {
  const { account, call, entry } = about;
  const isWaiting = call.payment === 'held' && call.paidBy === 'upfront' && call.state === 'held';
  if (!isWaiting || entry.decision !== 'released') return refuse(about, 'type');
  return {
    account: money.release(account, call),
    call: { ...next, state: 'released' },
    faults: amountFaults(entry, { amount: call.price, charged: 0n }),
  };
};

/** The payment cannot be presented because of its payer. */
export const paymentBounced = (about: CallEntry): Step => {
  const { account, call, entry } = about;
  if (call.payment !== 'queued' || call.isBounced) return refuse(about, 'type');
  const until = entry.payment?.['until'];
  return {
    account: money.bounce(account, call, typeof until === 'number' ? until : 0),
    call: { ...call, isBounced: true },
    faults: amountFaults(entry, { amount: call.charged }),
  };
};
