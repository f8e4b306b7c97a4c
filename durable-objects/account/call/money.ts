import type { Seconds } from '../../../src/core/clock.ts';
import { everyOf, rolled, type WindowSpend } from '../../../src/policy/window.ts';
import { max } from '../../../src/protocol/amount.ts';
import { type Purse, purseOf, withPurse } from '../purse.ts';
import type { AccountState } from '../state.ts';
import { changeUsedShares, grantsUsed, unreported } from '../tree/tree.ts';
import { type CallRecord, isBounced, paymentAmount, restOf } from './call-record.ts';

/**
 * Every movement of money in an account, one function each. Nothing else changes a purse, so every hold is later spent or released,
 * once (laws 4 to 7).
 */

const change = (
  state: AccountState,
  record: CallRecord,
  by: (purse: Purse) => Purse,
): AccountState => withPurse(state, record.asset, by(purseOf(state, record.asset)));

/** Moves the amounts that a call uses of its ancestors' shares: shares of limits, and of credit if credit pays. */
const countInAncestors = (
  state: AccountState,
  record: CallRecord,
  held: bigint,
  spent: bigint,
): AccountState => {
  const next = changeUsedShares(state, record.usedShares, (share) => ({
    ...share,
    held: share.held + held,
    spent: share.spent + spent,
  }));
  return spent === 0n || next === state
    ? next
    : { ...next, tree: unreported(next.tree, grantsUsed(record.usedShares)) };
};

/** Holds the price of a new call, in its source of money and in every window. */
export const hold = (state: AccountState, record: CallRecord): AccountState =>
  change(countInAncestors(state, record, record.price, 0n), record, (purse) => {
    const windows: Record<string, WindowSpend> = { ...purse.windows };
    for (const { name } of record.windows.map(periodIn)) {
      const spent = rolled(purse.windows[name], everyOf(name), record.acceptedAt);
      windows[name] = { ...spent, held: spent.held + record.price };
    }
    return moveHold({ ...purse, windows }, record, record.price);
  });

/**
 * The tool succeeded: the hold becomes spend. All that a deferred payment moves is exposure until the chain has settled it. An upfront
 * payment has moved the whole price: what the tool did not charge becomes credit.
 */
export const spend = (state: AccountState, record: CallRecord, charged: bigint): AccountState =>
  change(countInAncestors(state, record, -record.price, charged), record, (purse) => {
    const windows = settleWindows(purse, record, charged);
    switch (record.paidBy) {
      case 'deferred':
        return {
          ...purse,
          windows,
          deferredHeld: purse.deferredHeld - record.price,
          unsettled:
            charged === 0n
              ? purse.unsettled
              : purse.unsettled + paymentAmount({ ...record, state: 'committed', charged }),
        };
      case 'credit':
        return {
          ...purse,
          windows,
          creditHeld: purse.creditHeld - record.price,
          credit: purse.credit - charged,
        };
      case 'upfront':
        return { ...purse, windows, credit: purse.credit + record.price - charged };
      case 'lent':
      case 'free':
      case 'card':
        return { ...purse, windows };
    }
  });

/** The tool failed, or never ran: the hold is released; money that already moved becomes credit (law 4). */
export const release = (state: AccountState, record: CallRecord): AccountState =>
  change(countInAncestors(state, record, -record.price, 0n), record, (purse) => {
    const windows = settleWindows(purse, record, 0n);
    switch (record.paidBy) {
      case 'deferred':
      case 'credit':
        return moveHold({ ...purse, windows }, record, -record.price);
      case 'upfront':
        return record.payment === 'settled'
          ? { ...purse, windows, credit: purse.credit + record.price }
          : moveHold({ ...purse, windows }, record, -record.price);
      case 'lent':
      case 'free':
      case 'card':
        return { ...purse, windows };
    }
  });

/** A top-up of the payer's own account has settled: it is credit now, and clears a debt first. */
export const topUp = (state: AccountState, record: CallRecord): AccountState =>
  change(state, record, (purse) => ({ ...purse, credit: purse.credit + record.price }));

/** The chain moved an upfront payment before its tool runs. */
export const settleUpfront = (
  state: AccountState,
  record: CallRecord,
  block: number,
): AccountState =>
  change(state, record, (purse) =>
    withSettlement(
      {
        ...purse,
        upfrontHeld: purse.upfrontHeld - record.price,
        // Law 7: the receiving account may pay the credit back, so a top-up for another account earns this one no trust.
        settled: isForAnother(state, record) ? purse.settled : purse.settled + record.price,
      },
      record,
      record.price,
      block,
    ),
  );

/** The chain moved the deferred payment of a call that succeeded. What the call did not charge becomes credit. */
export const settleDeferred = (
  state: AccountState,
  record: CallRecord,
  block: number,
): AccountState => {
  const moved = paymentAmount(record);
  return change(state, record, (purse) =>
    withSettlement(
      {
        ...withoutBounce(purse, record),
        unsettled: purse.unsettled - moved,
        settled: purse.settled + moved,
        credit: purse.credit + restOf(record),
      },
      record,
      moved,
      block,
    ),
  );
};

/**
 * An accepted payment cannot be presented because of its payer. Drops its facts: the payer may have become a contract, or may have moved
 * its money.
 */
export const bounce = (state: AccountState, record: CallRecord, until: Seconds): AccountState =>
  change({ ...state, factsAt: 0 }, record, (purse) => ({
    ...purse,
    balanceAt: 0,
    bounced: purse.bounced + paymentAmount(record),
    bouncedUntil: Math.max(purse.bouncedUntil, until),
  }));

/** Lifts the suspension that an ended payment caused. */
const withoutBounce = (purse: Purse, record: CallRecord): Purse => {
  if (!isBounced(record)) return purse;
  const bounced = purse.bounced - paymentAmount(record);
  return { ...purse, bounced, bouncedUntil: bounced === 0n ? 0 : purse.bouncedUntil };
};

/** A payment that was released has settled after all: its money bought nothing and becomes credit. */
export const settleReleased = (
  state: AccountState,
  record: CallRecord,
  block: number,
): AccountState =>
  change(state, record, (purse) =>
    withSettlement(
      {
        ...purse,
        credit: purse.credit + record.price,
        settled: purse.settled + record.price,
      },
      record,
      record.price,
      block,
    ),
  );

/** The payer made its accepted payment impossible: it owes the charge. A debt is negative credit. */
export const recordDebt = (state: AccountState, record: CallRecord): AccountState =>
  change(state, record, (purse) => ({
    ...withoutBounce(purse, record),
    unsettled: purse.unsettled - paymentAmount(record),
    credit: purse.credit - record.charged,
  }));

/** The gateway failed to present a funded payment in time: the operator's loss, no debt. */
export const writeOff = (state: AccountState, record: CallRecord): AccountState =>
  change(state, record, (purse) => ({
    ...withoutBounce(purse, record),
    unsettled: purse.unsettled - paymentAmount(record),
    settled: max(0n, purse.settled - record.charged),
  }));

/**
 * A written-off payment had moved after all: restores exactly what the write-off took from `settled`. What the call did not charge becomes
 * credit, and counts as settled like any other credit that was paid for.
 */
export const settleWrittenOff = (
  state: AccountState,
  record: CallRecord,
  block: number,
): AccountState => settleFailed(state, record, block, restOf(record));

/** A payment that counted as a debt had moved after all: the debt is paid. What the call did not charge becomes credit. */
export const settleDebt = (state: AccountState, record: CallRecord, block: number): AccountState =>
  settleFailed(state, record, block, paymentAmount(record));

const settleFailed = (
  state: AccountState,
  record: CallRecord,
  block: number,
  credited: bigint,
): AccountState => {
  const moved = paymentAmount(record);
  return change(state, record, (purse) =>
    withSettlement(
      { ...purse, credit: purse.credit + credited, settled: purse.settled + moved },
      record,
      moved,
      block,
    ),
  );
};

const isForAnother = ({ account }: AccountState, { topUp: to }: CallRecord): boolean =>
  to !== undefined && to !== account;

const moveHold = (purse: Purse, record: CallRecord, amount: bigint): Purse => {
  switch (record.paidBy) {
    case 'deferred':
      return { ...purse, deferredHeld: purse.deferredHeld + amount };
    case 'upfront':
      return { ...purse, upfrontHeld: purse.upfrontHeld + amount };
    case 'credit':
      return { ...purse, creditHeld: purse.creditHeld + amount };
    case 'lent':
    case 'free':
    case 'card':
      return purse;
  }
};

/**
 * A settlement in a later block than the known balance lowers the balance, and for a permit the allowance too. Both already include earlier
 * settlements.
 */
const withSettlement = (
  { allowance, ...purse }: Purse,
  { held }: CallRecord,
  amount: bigint,
  block: number,
): Purse => {
  const after = (before: bigint): bigint =>
    block > purse.balanceBlock ? max(0n, before - amount) : before;
  const isPermit = held?.permit !== undefined;
  return {
    ...purse,
    ...(allowance && {
      allowance: isPermit ? { ...allowance, amount: after(allowance.amount) } : allowance,
    }),
    balance: after(purse.balance),
    settledBlock: Math.max(purse.settledBlock, block),
  };
};

/**
 * The counters that a call is counted in, with their periods, as its record keeps them. The record needs the periods: after a clock was
 * set back, the hold may be in a newer period than the call's time, and must be released there.
 */
export const countedPeriods = (
  state: AccountState,
  asset: CallRecord['asset'],
  names: readonly string[],
  now: Seconds,
): readonly string[] => {
  const { windows } = purseOf(state, asset);
  return names.map((name) => `${name}|${rolled(windows[name], everyOf(name), now).start}`);
};

const periodIn = (text: string): { readonly name: string; readonly start: Seconds } => {
  const [name = '', start = ''] = text.split('|');
  return { name, start: Number(start) };
};

/** A call belongs to the window of its reserve: a period that has ended since does not change. */
const settleWindows = (purse: Purse, record: CallRecord, charged: bigint): Purse['windows'] => {
  const windows: Record<string, WindowSpend> = { ...purse.windows };
  for (const { name, start } of record.windows.map(periodIn)) {
    const spent = windows[name];
    if (spent?.start !== start) continue;
    windows[name] = { ...spent, spent: spent.spent + charged, held: spent.held - record.price };
  }
  return windows;
};
