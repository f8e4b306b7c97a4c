import type { Entry } from '../../../src/protocol/entry.ts';
import { type Case, sum } from './final-state.ts';
import type { Purchase } from './purchase.ts';

/** The most that the policy of a run trusts a payer with. */
const EXPOSURE = 1_000_000n;

const least = (one: bigint, other: bigint): bigint => (one < other ? one : other);

/** Law 7: what a payer got and has not paid is under its cap, and under what it has settled here; what is settled first, is. */
export const judgeExposure = (
  cases: readonly Case[],
  purchases: readonly Purchase[],
  wrongs: string[],
): bigint => {
  const beyond = cases.map((each) => trustedBeyond(each) + owedBeyond(each, wrongs));
  for (const [at, { payer }] of cases.entries()) {
    const most = beyond[at] ?? 0n;
    if (most > 0n) wrongs.push(`${payer.name} was trusted with ${most} too much`);
  }
  return sum(beyond) + sum(purchases.map((one) => ranUnpaid(one, cases, wrongs)));
};

/** What was accepted when more was open than the account had settled: by its own log, entry after entry. Atomic units. */
const trustedBeyond = ({ book }: Case): bigint => {
  const calls = new Map(book.calls.map((call) => [call.call, call]));
  const open = new Set<string>();
  let exposed = 0n;
  let settled = 0n;
  let beyond = 0n;
  const close = (id: string, price: bigint): void => {
    if (open.delete(id)) exposed -= price;
  };
  for (const { type, call: id, decision, payment } of book.entries) {
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
    // What we lose by a payer is trusted no longer.
    if (type === 'payment.failed' && payment?.['fault'] === 'gateway')
      settled -= least(settled, call.price);
  }
  return beyond;
};

/** Whether an entry ends what its call was trusted with: its tool failed, or the chain has decided. */
const endsTrust = (type: Entry['type'], decision: string | undefined): boolean =>
  type === 'payment.settled' ||
  type === 'payment.failed' ||
  ((type === 'call.finished' || type === 'call.abandoned') && decision !== 'committed');

/** What is owed in the end, and what was written off, above what it may be. */
const owedBeyond = ({ payer, book }: Case, wrongs: string[]): bigint => {
  const lost = sum(
    book.calls.filter(({ fault }) => fault === 'gateway').map(({ charged }) => charged),
  );
  const owed = book.purse.credit < 0n ? -book.purse.credit : 0n;
  const settled = book.calls.filter(({ payment }) => payment === 'settled');
  const trusted = least(EXPOSURE, sum(settled.map(({ price }) => price)));
  if (lost + owed <= trusted) return 0n;
  wrongs.push(
    `${payer.name} had ${lost + owed} for nothing, of ${trusted} that it was trusted with`,
  );
  return lost + owed - trusted;
};

/** A tool that is paid first ran before the chain had moved its price. */
const ranUnpaid = (
  { number, payer, key, nonces, runs }: Purchase,
  cases: readonly Case[],
  wrongs: string[],
): bigint => {
  if (!runs.includes(false)) return 0n;
  const book = cases.find((each) => each.key === key)?.book;
  const call = book?.calls.find((each) => each.paidBy === 'upfront' && nonces.includes(each.call));
  if (call === undefined) return 0n;
  wrongs.push(`purchase ${number} of ${payer.name} ran before its price had moved`);
  return call.price;
};
