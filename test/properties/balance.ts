import { isFinal, keepsHold } from '../../durable-objects/account/call/call-record.ts';
import { purseOf } from '../../durable-objects/account/purse.ts';
import { GENESIS } from '../../src/audit/entry.ts';
import type { Hex } from '../../src/core/hex.ts';
import type { Entry } from '../../src/protocol/entry.ts';
import { asset, type SimulatedAccount } from './simulated-account.ts';
import type { Simulation } from './simulation.ts';
import { expect } from 'vitest';

export const sum = <T>(list: Iterable<T>, amount: (one: T) => bigint): bigint => {
  let total = 0n;
  for (const one of list) total += amount(one);
  return total;
};

/** Checks each account, and the transfers between them, once all calls and payments have ended. */
export const checkAtRest = (simulation: Simulation): void => {
  for (const simulated of simulation.all) {
    const entries = chainOf(simulated);
    const found = {
      credit: purseOf(simulated.state, asset).credit,
      log: creditByLog(entries),
      holds: holdsOf(simulated),
      open: [...simulated.records.values()].filter((one) => !isFinal(one) && !keepsHold(one))
        .length,
      window: windowOf(simulated),
    };
    const credit = creditByChain(simulated, simulation);
    const expected = {
      credit,
      log: credit,
      // An upfront payment has already moved, so it is no hold and counts only in the window.
      holds: sum(simulated.records.values(), (one) =>
        keepsHold(one) && one.paidBy !== 'upfront' ? one.price : 0n,
      ),
      open: 0,
      window: windowByRecords(simulated),
    };
    if (!equal(found, expected)) expect(found).toEqual(expected);
    checkTransfers(simulated, simulation, entries);
  }
};

/**
 * Computes the credit from what the chain moved in, less charges and refunds on the chain, plus refunds of calls. A negative result is a
 * debt.
 */
const creditByChain = (simulated: SimulatedAccount, { all, moved }: Simulation): bigint => {
  const records = [...simulated.records.values()];
  const lost = records.filter(({ entries }) =>
    entries.some(({ payment }) => payment?.fault === 'gateway'),
  );
  const given = all.flatMap((one) =>
    [...one.records.values()].filter(
      ({ topUp, state }) => topUp === simulated.account && state === 'committed',
    ),
  );
  return (
    sum(records, ({ id, price }) => (moved.has(id) ? price : 0n)) -
    sum(records, ({ charged }) => charged) +
    sum(lost, ({ charged }) => charged) +
    sum(given, ({ price }) => price) -
    sum(simulated.refunds.values(), (amount) => amount) +
    sum(simulated.refundedCalls.values(), (amount) => amount)
  );
};

/** Computes the same from the log alone, as an auditor would (law 11). */
export const creditByLog = (entries: readonly Entry[]): bigint => {
  const own = new Set(
    entries.flatMap(({ type, payment, account, call }) =>
      type === 'call.accepted' && payment?.creditTo === account ? [call] : [],
    ),
  );
  return sum(entries, ({ type, amounts = {}, payment, call }) => {
    const amount = BigInt(amounts.amount ?? 0);
    const bought =
      (own.has(call) ? BigInt(amounts.credited ?? 0) : 0n) - BigInt(amounts.charged ?? 0);
    if (type === 'payment.settled' || type === 'credit.received') return amount;
    if (type === 'credit.refunded') return -amount;
    if (type === 'call.refunded') return amount;
    if (type === 'payment.failed') return payment?.fault === 'gateway' ? amount : 0n;
    if (type === 'call.resolved') return bought + BigInt(amounts.before ?? 0);
    return type === 'call.finished' || type === 'call.abandoned' ? bought : 0n;
  });
};

const holdsOf = (simulated: SimulatedAccount): bigint => {
  const purse = purseOf(simulated.state, asset);
  return purse.creditHeld + purse.deferredHeld + purse.upfrontHeld + purse.unsettled;
};

/** Checks that a window counts the charges and holds of its calls, and no top-ups. */
const windowOf = (simulated: SimulatedAccount): string => {
  const window = purseOf(simulated.state, asset).windows.hour;
  return `${window?.spent ?? 0n} ${window?.held ?? 0n}`;
};

const windowByRecords = (simulated: SimulatedAccount): string => {
  const start = purseOf(simulated.state, asset).windows.hour?.start ?? 0;
  const counted = [...simulated.records.values()].filter(
    ({ topUp, acceptedAt }) =>
      topUp === undefined && acceptedAt >= start && acceptedAt < start + 3_600,
  );
  const kept = counted.filter(keepsHold);
  const ended = counted.filter((one) => !keepsHold(one));
  return `${sum(ended, ({ charged }) => charged)} ${sum(kept, ({ price }) => price)}`;
};

const checkTransfers = (
  simulated: SimulatedAccount,
  { all }: Simulation,
  entries: readonly Entry[],
): void => {
  for (const peer of all) {
    if (peer === simulated) continue;
    const paid = sum(simulated.records.values(), ({ topUp, state, price }) =>
      topUp === peer.account && state === 'committed' ? price : 0n,
    );
    const back = sum(entries, ({ type, amounts, payment }) =>
      type === 'credit.received' && payment?.from === peer.account
        ? BigInt(amounts?.amount ?? 0)
        : 0n,
    );
    const out = simulated.transfers.get(`${peer.account} ${asset}`);
    const into = peer.transfers.get(`${simulated.account} ${asset}`);
    const found = {
      sent: out?.sent ?? 0n,
      acknowledged: out?.acknowledged ?? 0n,
      received: into?.received ?? 0n,
      back,
    };
    const expected = { sent: paid, acknowledged: paid, received: paid, back: out?.received ?? 0n };
    if (!equal(found, expected)) expect(found).toEqual(expected);
  }
};

/**
 * Returns every entry in order after checking their chain (law 11). Does not recompute hashes, which would double the time of a run:
 * `ledger.test.ts` proves that a head is the hash of its entry.
 */
const chainOf = (simulated: SimulatedAccount): readonly Entry[] => {
  const entries = [...simulated.records.values()]
    .flatMap((record) => record.entries)
    .concat(simulated.loose)
    .toSorted((a, b) => a.seq - b.seq);
  let seq = GENESIS.seq;
  let hash: Hex | undefined = GENESIS.hash;
  for (const entry of entries) {
    // If no decision ended with this entry, its hash is unknown here, and only the next entry names it.
    const follows = entry.seq === seq + 1 && (hash === undefined || entry.prev === hash);
    if (!follows)
      expect({ seq: entry.seq, prev: entry.prev }).toEqual({ seq: seq + 1, prev: hash });
    seq = entry.seq;
    hash = simulated.heads.get(seq);
  }
  if (hash !== simulated.state.head.hash) expect(hash).toEqual(simulated.state.head.hash);
  return entries;
};

/** Calls `expect` only for values that differ, because `expect` is slow and a run compares millions of values. */
const equal = (one: Readonly<Record<string, unknown>>, other: typeof one): boolean =>
  Object.keys(one).every((key) => one[key] === other[key]);
