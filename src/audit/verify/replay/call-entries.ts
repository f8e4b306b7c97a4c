import { amountOf, textOf } from './members.ts';
import { awaitsPayment, type ReplayedCall, restOf } from './call.ts';
import * as money from './money.ts';
import {
  amountFaults,
  type CallEntry,
  refuse,
  stateFaults,
  type Step,
  type StepFault,
} from './step.ts';

/* Entries about a call after its acceptance (docs/audit-format.md, check `calls`). */

/** A person approves a parked call; its hold and its state stay. */
export const approved = ({ account, call, entry }: CallEntry): Step => {
  if (call.state !== 'parked' || call.isApproved) return refuse({ account, call }, 'type');
  const next = { ...call, isApproved: true };
  return {
    account: { ...account, parked: { ...account.parked, [call.id]: next } },
    call: next,
    faults: [
      ...amountFaults(entry, { price: call.price }),
      ...(entry.outcome?.['until'] === call.until ? [] : [WRONG_END]),
    ],
  };
};

const WRONG_END: StepFault = { check: 'calls', reason: 'other_call', field: 'outcome.until' };

/** A parked call ends and never ran. */
export const refused = ({ account, call, entry }: CallEntry): Step => {
  if (call.state !== 'parked') return refuse({ account, call }, 'type');
  const next: ReplayedCall = {
    ...call,
    state: 'released',
    payment: call.payment === 'held' ? 'released' : call.payment,
  };
  return {
    account: resumed(account, call),
    call: next,
    faults: [
      ...amountFaults(entry, { price: call.price, charged: 0n }),
      ...stateFaults(entry, next.payment),
    ],
  };
};

const unparked = (account: CallEntry['account'], { id }: ReplayedCall): CallEntry['account'] => {
  const { [id]: _, ...parked } = account.parked;
  return { ...account, parked };
};

/** The tool answered, or its silence was reported. */
export const finished = (about: CallEntry): Step => {
  const { call, entry } = about;
  if (call.state !== 'held' || awaitsPayment(call)) return refuse(about, 'type');
  const next = { ...about, call: { ...call, hasAnswer: true } };
  switch (entry.decision) {
    case 'committed':
      return entry.outcome?.['success'] === true ? commit(next) : refuse(about, 'outcome.success');
    case 'abandoned':
      return silence(next);
    case 'released':
      return giveBack(next, 'released');
    case undefined:
    default:
      return refuse(about, 'decision');
  }
};

/** The alarm ended the call. */
export const abandoned = (about: CallEntry): Step => {
  const { call, entry } = about;
  if (call.state !== 'held' || awaitsPayment(call)) return refuse(about, 'type');
  switch (entry.decision) {
    case 'committed':
      return call.creditTo !== undefined ? commit(about) : refuse(about, 'decision');
    case 'abandoned':
      return silence(about);
    case 'released':
      return call.paidBy === 'upfront' ? giveBack(about, 'released') : refuse(about, 'decision');
    case undefined:
    default:
      return refuse(about, 'decision');
  }
};

/** An answer after the call was abandoned: recorded, and charged nothing. */
export const late = (about: CallEntry): Step => {
  const { account, call, entry } = about;
  return call.state !== 'abandoned' || call.hasAnswer
    ? refuse(about, 'type')
    : {
        account,
        call: { ...call, hasAnswer: true },
        faults: amountFaults(entry, { charged: 0n }),
      };
};

/** An operator, or the issuer of a card, reported the outcome of a kept call. */
export const resolved = (about: CallEntry): Step => {
  const { account, call, entry } = about;
  if (!call.isKept) return refuse(about, 'type');
  // Attack: only the resolution of a card's issuer needs no signature, so an operator calls its own one that.
  if (entry.rule === 'card' && call.paidBy !== 'card') return refuse(about, 'rule');
  const isCharged = entry.decision === 'charged';
  if (!isCharged && entry.decision !== 'released') return refuse(about, 'decision');
  const stated = amountOf(entry.amounts?.['charged']) ?? 0n;
  const charged = !isCharged
    ? 0n
    : call.paidBy === 'card' && stated > 0n && stated < call.price
      ? stated
      : call.price;
  return {
    account: isCharged ? money.spend(account, call, charged) : money.release(account, call),
    call: { ...call, charged, isKept: false },
    faults: [
      ...amountFaults(entry, { charged, before: call.charged }),
      ...stateFaults(entry, call.payment),
    ],
  };
};

/** An operator refunded a part of a charge. */
export const refunded = (about: CallEntry): Step => {
  const { account, call, entry } = about;
  const isPaid = call.payment === 'none' || call.payment === 'settled';
  if (call.state === 'held' || call.isKept || call.creditTo !== undefined || !isPaid) {
    return refuse(about, 'type');
  }
  const to = textOf(entry.payment?.['to']);
  const isOwn = to === account.account;
  // An ancestor whose credit paid gets it back.
  if (isOwn === (call.paidBy === 'lent')) return refuse(about, 'payment.to');
  const amount = amountOf(entry.amounts?.['amount']) ?? 0n;
  const total = call.refunded + amount;
  const faults = amountFaults(entry, { amount, refunded: total });
  return {
    account: isOwn ? money.settleLate(account, call, amount, 0n) : account,
    call: { ...call, refunded: total },
    faults:
      total > call.charged || amount === 0n
        ? [...faults, { check: 'payments', reason: 'wrong_amount', field: 'amounts.amount' }]
        : faults,
  };
};

/**
 * The call succeeded. An authorization, and a permit that settled before the tool, transfer exactly the price: only a metered call may
 * charge less, and the rest becomes credit. Permits after the tool, credit and cards may be charged less.
 */
const commit = ({ account, call, entry }: CallEntry): Step => {
  const stated = amountOf(entry.amounts?.['charged']) ?? 0n;
  const isVariable =
    (call.isPermit ||
      call.paidBy === 'credit' ||
      call.paidBy === 'lent' ||
      call.paidBy === 'card' ||
      entry.outcome?.['basis'] !== undefined) &&
    entry.type === 'call.finished';
  const charged = isVariable && stated < call.price ? stated : call.price;
  // A deferred payment never moves if nothing is charged.
  const paid = charged === 0n ? 'released' : 'queued';
  const next: ReplayedCall = {
    ...call,
    state: 'committed',
    payment: call.payment === 'held' ? paid : call.payment,
    charged,
  };
  const spent = money.spend(account, call, charged);
  return {
    account: call.creditTo === account.account ? money.topUp(spent, call) : spent,
    call: next,
    faults: [
      ...amountFaults(entry, {
        charged,
        credited: call.creditTo === undefined ? undefined : call.price,
      }),
      ...restFaults(entry, next),
      ...stateFaults(entry, next.payment),
    ],
  };
};

/** `payment.credited`: what a success has not charged of a payment that settled before it. */
const restFaults = ({ payment }: CallEntry['entry'], call: ReplayedCall): readonly StepFault[] => {
  const rest = call.payment === 'settled' ? restOf(call) : 0n;
  return textOf(payment?.['credited']) === (rest === 0n ? undefined : rest.toString())
    ? []
    : [{ check: 'payments', reason: 'wrong_amount', field: 'payment.credited' }];
};

/** The call failed: it costs nothing. */
const giveBack = ({ account, call, entry }: CallEntry, state: 'released' | 'abandoned'): Step => {
  const next: ReplayedCall = {
    ...call,
    state,
    payment: call.payment === 'held' ? 'released' : call.payment,
  };
  return {
    account: money.release(account, call),
    call: next,
    faults: [
      ...amountFaults(entry, { charged: 0n, credited: undefined }),
      ...stateFaults(entry, next.payment),
    ],
  };
};

/** The outcome of the tool is unknown. A tool that may have spent keeps its amount held. */
const silence = (about: CallEntry): Step => {
  const { account, call, entry } = about;
  if (entry.payment?.['kept'] !== true) return giveBack(about, 'abandoned');
  if (call.paidBy === 'deferred' || call.paidBy === 'free') return refuse(about, 'payment.kept');
  const charged = call.paidBy === 'upfront' ? call.price : 0n;
  return {
    account,
    call: { ...call, state: 'abandoned', isKept: true, charged },
    faults: [
      ...amountFaults(entry, { charged, credited: undefined }),
      ...stateFaults(entry, call.payment),
    ],
  };
};

/** An approved call runs: its hold is released, and it is accepted like a new call. */
export const resumed = (account: CallEntry['account'], call: ReplayedCall): CallEntry['account'] =>
  unparked(money.release(account, call), call);
