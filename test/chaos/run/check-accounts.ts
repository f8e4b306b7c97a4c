import { type RecordedCall, verifyRecord } from '../support/account-records.ts';
import {
  type FinalState,
  type ByNonce,
  type RecordedKey,
  sum,
  takesPayment,
} from './final-state.ts';
import type { Moved } from './chain-record.ts';

const TOP_UP = 'countersign.credits';

/** Finds calls and payments that have not ended (law 5). */
export const unresolvedOf = (
  { payer, record }: RecordedKey,
  violations: string[],
): readonly RecordedCall[] => {
  const open = record.calls.filter(
    (call) => call.state === 'held' || (takesPayment(call) && call.payment === undefined),
  );
  for (const { call, state } of open)
    violations.push(`${payer.name}: call ${call} has not ended, its state is ${state}`);
  const { deferredHeld, upfrontHeld, creditHeld, unsettled } = record.purse;
  if (open.length === 0 && deferredHeld + upfrontHeld + creditHeld + unsettled !== 0n)
    violations.push(`${payer.name}: the account holds money although every call has ended`);
  return open;
};

/** Checks that D1 has every entry, that the hash chain is unbroken, and that every signature verifies (law 11). */
export const checkLog = async (
  { payer, key, record }: RecordedKey,
  violations: string[],
): Promise<void> => {
  const { entries, head } = record;
  if (entries.at(-1)?.seq !== head.seq || entries.length !== head.seq)
    violations.push(`${payer.name}: D1 has ${entries.length} of ${head.seq} entries`);
  const verified = await verifyRecord(key.id, record);
  if (!verified.ok)
    violations.push(`${payer.name}: its log does not verify: ${JSON.stringify(verified.error)}`);
};

/**
 * Checks that a payment is settled exactly if its own authorization moved its price, and that all income is either charged or credited
 * (law 5).
 */
export const checkMoney = (
  { payer, key, record }: RecordedKey,
  moved: ByNonce,
  violations: string[],
): void => {
  const report = (what: string): void =>
    void violations.push(`${payer.name} ${key.address}: ${what}`);
  for (const { call, payment, price } of record.calls.filter(takesPayment)) {
    const [own] = moved.get(call) ?? [];
    const hasMoved = own?.from === key.address && own.value === price;
    if (payment === 'settled' && !hasMoved)
      report(`payment ${call} is settled, but the chain has no transfer for it`);
    if (payment !== 'settled' && hasMoved)
      report(`payment ${call} moved on the chain, but its state is ${payment}`);
  }
  // Every authorization of a run outlasts all its faults.
  for (const { call, price } of record.calls.filter(({ fault }) => fault === 'gateway'))
    report(`no backend presented payment ${call} in time: the gateway lost ${price}`);
  const settled = record.calls.filter(({ payment }) => payment === 'settled');
  const income = sum(settled.map(({ price }) => price));
  const spent = record.calls
    .filter(
      ({ tool, payment, fault }) =>
        tool !== TOP_UP && !(payment === 'failed' && fault === 'gateway'),
    )
    .map(({ charged }) => charged);
  if (sum(spent) + record.purse.credit !== income)
    report(
      `settled payments bring ${income}, but ${sum(spent)} is charged and the credit is ${record.purse.credit}`,
    );
  const isOurs = record.calls.some(({ fault }) => fault === 'gateway');
  if (!isOurs && record.purse.settled !== income)
    report(`settled payments bring ${income}, but the account counts ${record.purse.settled}`);
  const owes = record.purse.credit < 0n || record.calls.some(({ fault }) => fault === 'payer');
  if (payer.attack === undefined && owes)
    report(`the payer is honest, but owes ${-record.purse.credit}`);
};

/** Checks transfers without an accepted call: only hostile payers may cause them, and never a backend of the gateway. */
export const checkUnsolicited = (
  unsolicited: readonly Moved[],
  { payers, purchases }: FinalState,
  violations: string[],
): void => {
  const honest = new Set(
    payers
      .filter(({ attack }) => attack === undefined)
      .flatMap(({ keys }) => keys.map(({ address }) => address)),
  );
  const signed = new Map(
    purchases.flatMap((one) => one.nonces.map((nonce) => [nonce, one.number])),
  );
  for (const { from, nonce, value, byBackend, transaction } of unsolicited) {
    if (!byBackend && !honest.has(from)) continue;
    const which = nonce === undefined ? 'none' : signed.get(nonce);
    violations.push(
      `${value} of ${from} moved in transaction ${transaction} for purchase ${which}, which no account has accepted`,
    );
  }
};
