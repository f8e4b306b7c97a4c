import type { Entry } from '../../../src/protocol/entry.ts';
import { type RecordedKey, sum } from './final-state.ts';
import type { Purchase } from './purchase.ts';

/** The exposure cap in the policy of a run. */
const EXPOSURE = 1_000_000n;

const least = (one: bigint, other: bigint): bigint => (one < other ? one : other);

/**
 * Checks that every payer's unsettled money stayed under the cap and under what it had settled, and that upfront payments moved
 * before their tool ran (law 7).
 *
 * @returns the excess in atomic units.
 */
export const checkExposure = (
  cases: readonly RecordedKey[],
  purchases: readonly Purchase[],
  violations: string[],
): bigint => {
  const beyond = cases.map((each) => trustedBeyond(each) + owedBeyond(each, violations));
  for (const [at, { payer }] of cases.entries()) {
    const most = beyond[at] ?? 0n;
    if (most > 0n)
      violations.push(
        `the gateway accepted ${most} more from ${payer.name} than its exposure allows`,
      );
  }
  return sum(beyond) + sum(purchases.map((one) => ranUnpaid(one, cases, violations)));
};

/** Replays an account's log and returns the most by which its exposure exceeded the cap or its settled total. Atomic units. */
const trustedBeyond = ({ record }: RecordedKey): bigint => {
  const calls = new Map(record.calls.map((call) => [call.call, call]));
  const open = new Set<string>();
  let exposed = 0n;
  let settled = 0n;
  let beyond = 0n;
  const close = (id: string, price: bigint): void => {
    if (open.delete(id)) exposed -= price;
  };
  for (const { type, call: id, decision, payment } of record.entries) {
    const call = id === undefined ? undefined : calls.get(id);
    if (call === undefined) continue;
    if (type === 'call.accepted' && call.paidBy === 'deferred') {
      open.add(call.call);
      exposed += call.price;
      const over = exposed - least(EXPOSURE, settled);
      if (over > beyond) beyond = over;
    }
    if (endsTrust(type, decision)) close(call.call, call.price);
    if (type === 'payment.settled') settled += call.price;
    // A write-off lowers the trust in its payer.
    if (type === 'payment.failed' && payment?.['fault'] === 'gateway')
      settled -= least(settled, call.price);
  }
  return beyond;
};

/** Whether an entry ends a call's exposure: the tool failed, or the payment has ended. */
const endsTrust = (type: Entry['type'], decision: string | undefined): boolean =>
  type === 'payment.settled' ||
  type === 'payment.failed' ||
  ((type === 'call.finished' || type === 'call.abandoned') && decision !== 'committed');

/** Returns by how much debt and write-offs at the end exceed the exposure cap or the settled total. */
const owedBeyond = ({ payer, record }: RecordedKey, violations: string[]): bigint => {
  const lost = sum(
    record.calls.filter(({ fault }) => fault === 'gateway').map(({ charged }) => charged),
  );
  const owed = record.purse.credit < 0n ? -record.purse.credit : 0n;
  const settled = record.calls.filter(({ payment }) => payment === 'settled');
  const trusted = least(EXPOSURE, sum(settled.map(({ price }) => price)));
  if (lost + owed <= trusted) return 0n;
  violations.push(
    `${payer.name} got calls for ${lost + owed} without paying; its exposure allows ${trusted}`,
  );
  return lost + owed - trusted;
};

/** Returns the price of an upfront call whose tool ran before the chain had moved it. */
const ranUnpaid = (
  { number, payer, key, nonces, runs }: Purchase,
  cases: readonly RecordedKey[],
  violations: string[],
): bigint => {
  if (!runs.includes(false)) return 0n;
  const record = cases.find((each) => each.key === key)?.record;
  const call = record?.calls.find(
    (each) => each.paidBy === 'upfront' && nonces.includes(each.call),
  );
  if (call === undefined) return 0n;
  violations.push(`the tool of purchase ${number} of ${payer.name} ran before its price had moved`);
  return call.price;
};
