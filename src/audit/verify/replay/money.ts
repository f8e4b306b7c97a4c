import type { Seconds } from '../../../core/clock.ts';
import { everyOf, periodOf } from '../../../policy/window.ts';
import { max } from '../../../protocol/amount.ts';
import { type Counter, type Purse, type ReplayedAccount, withPurse } from './account.ts';
import { paymentAmount, type ReplayedCall, restOf } from './call.ts';

/* Every movement of money by a call, as docs/audit-format.md lists them ("How a call moves money"). */

type Moved = ReplayedAccount;

/** The counter as of `at`: a new period starts at zero, and a clock that was set back does not begin an older one again. */
export const counterAt = (purse: Purse, name: string, at: Seconds): Counter => {
  const { start } = periodOf(everyOf(name), at);
  const known = purse.counters[name];
  return known !== undefined && known.start >= start ? known : { start, spent: 0n, held: 0n };
};

/** Holds the price of a call in these counters and in its source of money. Returns the call with the periods of its holds. */
export const hold = (
  account: ReplayedAccount,
  call: ReplayedCall,
  names: readonly string[],
  at: Seconds,
): { readonly account: Moved; readonly call: ReplayedCall } => {
  const heldIn: { name: string; start: Seconds }[] = [];
  const moved = withPurse(account, call.asset, (purse) => {
    const counters: Record<string, Counter> = { ...purse.counters };
    for (const name of names) {
      const counter = counterAt(purse, name, at);
      counters[name] = { ...counter, held: counter.held + call.price };
      heldIn.push({ name, start: counter.start });
    }
    return { ...moveHold(purse, call, call.price), counters };
  });
  return { account: moved, call: { ...call, heldIn } };
};

/** The hold becomes spend. What an upfront payment has moved beyond the charge becomes credit. */
export const spend = (account: ReplayedAccount, call: ReplayedCall, charged: bigint): Moved =>
  withPurse(account, call.asset, (purse) => ({
    counters: settled(purse, call, charged),
    ...(call.paidBy === 'deferred'
      ? {
          deferredHeld: purse.deferredHeld - call.price,
          unsettled:
            charged === 0n
              ? purse.unsettled
              : purse.unsettled + paymentAmount({ ...call, state: 'committed', charged }),
        }
      : call.paidBy === 'credit'
        ? { creditHeld: purse.creditHeld - call.price, credit: purse.credit - charged }
        : call.paidBy === 'upfront'
          ? { credit: purse.credit + call.price - charged }
          : {}),
  }));

/** The hold is released; money that has moved upfront becomes credit. */
export const release = (account: ReplayedAccount, call: ReplayedCall): Moved =>
  withPurse(account, call.asset, (purse) => ({
    counters: settled(purse, call, 0n),
    ...(call.paidBy === 'upfront' && call.payment === 'settled'
      ? { credit: purse.credit + call.price }
      : moveHold(purse, call, -call.price)),
  }));

export const topUp = (account: ReplayedAccount, { asset, price }: ReplayedCall): Moved =>
  withPurse(account, asset, (purse) => ({ credit: purse.credit + price }));

export const settleUpfront = (account: ReplayedAccount, call: ReplayedCall): Moved =>
  withPurse(account, call.asset, (purse) => ({
    upfrontHeld: purse.upfrontHeld - call.price,
    settled:
      call.creditTo !== undefined && call.creditTo !== account.account
        ? purse.settled
        : purse.settled + call.price,
  }));

export const settleDeferred = (account: ReplayedAccount, call: ReplayedCall): Moved =>
  withPurse(account, call.asset, (purse) => ({
    ...withoutBounce(purse, call),
    unsettled: purse.unsettled - paymentAmount(call),
    settled: purse.settled + paymentAmount(call),
    credit: purse.credit + restOf(call),
  }));

/** Money that moved after its call had ended without it: it becomes credit, or pays a debt. */
export const settleLate = (
  account: ReplayedAccount,
  call: ReplayedCall,
  credited: bigint,
  amount: bigint,
): Moved =>
  withPurse(account, call.asset, (purse) => ({
    credit: purse.credit + credited,
    settled: purse.settled + amount,
  }));

export const recordDebt = (account: ReplayedAccount, call: ReplayedCall): Moved =>
  withPurse(account, call.asset, (purse) => ({
    ...withoutBounce(purse, call),
    unsettled: purse.unsettled - paymentAmount(call),
    credit: purse.credit - call.charged,
  }));

export const writeOff = (account: ReplayedAccount, call: ReplayedCall): Moved =>
  withPurse(account, call.asset, (purse) => ({
    ...withoutBounce(purse, call),
    unsettled: purse.unsettled - paymentAmount(call),
    settled: max(0n, purse.settled - call.charged),
  }));

export const bounce = (account: ReplayedAccount, call: ReplayedCall, until: Seconds): Moved =>
  withPurse(account, call.asset, (purse) => ({
    bounced: purse.bounced + paymentAmount(call),
    bouncedUntil: Math.max(purse.bouncedUntil, until),
  }));

const withoutBounce = (purse: Purse, call: ReplayedCall): Partial<Purse> => {
  if (!call.isBounced) return {};
  const bounced = purse.bounced - paymentAmount(call);
  return { bounced, bouncedUntil: bounced === 0n ? 0 : purse.bouncedUntil };
};

const moveHold = (purse: Purse, { paidBy }: ReplayedCall, amount: bigint): Partial<Purse> => {
  switch (paidBy) {
    case 'deferred':
      return { deferredHeld: purse.deferredHeld + amount };
    case 'upfront':
      return { upfrontHeld: purse.upfrontHeld + amount };
    case 'credit':
      return { creditHeld: purse.creditHeld + amount };
    case 'lent':
    case 'free':
    case 'card':
      return {};
  }
};

/** A call belongs to the period in which it was accepted: a period that has ended since does not change. */
const settled = (purse: Purse, call: ReplayedCall, charged: bigint): Purse['counters'] => {
  const counters: Record<string, Counter> = { ...purse.counters };
  for (const { name, start } of call.heldIn) {
    const counter = counters[name];
    if (counter?.start !== start) continue;
    counters[name] = {
      start,
      spent: counter.spent + charged,
      held: counter.held - call.price,
    };
  }
  return counters;
};
