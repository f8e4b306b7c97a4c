import type { Entry } from '../../../protocol/entry.ts';
import { paymentAmount, type ReplayedCall, restOf } from './call.ts';
import { textOf } from './members.ts';
import * as money from './money.ts';
import { amountFaults, type CallEntry, refuse, type Step, type StepFault } from './step.ts';

/* Entries about the payment of a call (docs/audit-format.md, checks `calls` and `payments`). */

/** The chain moved the payment. */
export const paymentSettled = (about: CallEntry): Step => {
  const { account, call, entry } = about;
  const next: ReplayedCall = { ...call, payment: 'settled' };
  const moved = paymentAmount(call);
  const faults = amountFaults(entry, { amount: moved });
  const late = ({ credited = 0n, cleared = 0n }: SettledParts): Step => ({
    account: money.settleLate(account, call, credited + cleared, moved),
    call: next,
    faults: [...faults, ...creditFaults(entry, { credited, cleared })],
  });
  const rest = restOf(call);
  switch (call.payment) {
    case 'held':
      return call.paidBy === 'upfront' && call.state === 'held'
        ? {
            account: money.settleUpfront(account, call),
            call: next,
            faults: [...faults, ...creditFaults(entry, {})],
          }
        : refuse(about, 'type');
    case 'queued':
      return {
        account: money.settleDeferred(account, call),
        call: next,
        faults: [...faults, ...creditFaults(entry, { credited: rest })],
      };
    case 'released':
      return late({ credited: call.price });
    case 'failed':
      if (call.fault === 'payer') return late({ credited: rest, cleared: call.charged });
      return late({ credited: call.fault === 'gateway' ? rest : call.price });
    case 'none':
    case 'settled':
      return refuse(about, 'type');
  }
};

/** The parts of a settled payment that became credit, and that cleared a debt. */
type SettledParts = { readonly credited?: bigint; readonly cleared?: bigint };

const creditFaults = (
  { payment }: Entry,
  { credited = 0n, cleared = 0n }: SettledParts,
): readonly StepFault[] =>
  Object.entries({ credited, cleared }).flatMap(([member, amount]): readonly StepFault[] =>
    textOf(payment?.[member]) === (amount === 0n ? undefined : amount.toString())
      ? []
      : [{ check: 'payments', reason: 'wrong_amount', field: `payment.${member}` }],
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
      // What stays unpaid, whatever the payment would have moved.
      faults: amountFaults(entry, { amount: call.charged }),
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
    faults: amountFaults(entry, { amount: paymentAmount(call) }),
  };
};
