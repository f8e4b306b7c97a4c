import type { Address } from '../../src/core/hex.ts';
import type { Seconds } from '../../src/core/clock.ts';
import { isRefused, MAX_STRIKES, type Pending } from '../../src/settlement/relayer/pending.ts';

/**
 * The payers whose payments burnt our gas in transactions that moved nothing. Kept in memory only: an object that restarts forgets them and
 * loses at most the same gas again. Payments with the most strikes are stored, and bar their payer while they are kept.
 */
export type Burners = {
  readonly payers: Map<Address, Burner>;
  /** The gas that payers with code have burnt in the current hour, which began with the first of these transactions. */
  hour: { readonly since: Seconds; readonly gas: number };
};

type Burner = {
  /** The times of the last transactions that carried only this payer's payments and moved nothing. */
  readonly strikes: readonly Seconds[];
  /** Until when the relayer neither takes nor sends the payer's payments. */
  readonly until: Seconds;
};

const DAY: Seconds = 24 * 3_600;
const HOUR: Seconds = 3_600;
/** Gas of 33 transactions of a payer with code. The limit counts all such payers: new addresses are free, so a limit per address limits nothing. */
const MAX_BURNT = 20_000_000;
const MAX_PAYERS = 10_000;

export const openBurners = (pending: readonly Pending[]): Burners => {
  const burners: Burners = { payers: new Map(), hour: { since: 0, gas: 0 } };
  for (const one of pending) if (isRefused(one)) noteStruckOut(burners, one);
  return burners;
};

/** Bars the payer of a payment that is refused for good, until that payment's `validBefore`. */
export const noteStruckOut = (
  { payers }: Burners,
  { authorization: { from, validBefore } }: Pick<Pending, 'authorization'>,
): void => {
  const { strikes = [], until = 0 } = payers.get(from) ?? {};
  payers.set(from, { strikes, until: Math.max(until, Number(validBefore)) });
};

/** Notes that a transaction with this payer's payments alone moved nothing. */
export const noteStrike = ({ payers }: Burners, payer: Address, now: Seconds): void => {
  const { strikes: before, until } = payers.get(payer) ?? { strikes: [], until: 0 };
  const strikes = [...before.filter((at) => at > now - DAY), now].slice(-MAX_STRIKES);
  const [first] = strikes;
  const barred = strikes.length >= MAX_STRIKES && first !== undefined ? first + DAY : 0;
  if (payers.size >= MAX_PAYERS && !payers.has(payer)) payers.clear();
  payers.set(payer, { strikes, until: Math.max(until, barred) });
};

/** Notes gas that a payer with code has burnt. */
export const noteBurnt = (burners: Burners, gas: number, now: Seconds): void => {
  const { since, gas: before } = burners.hour;
  burners.hour = now < since + HOUR ? { since, gas: before + gas } : { since: now, gas };
};

export const isBarred = (
  { payers, hour }: Burners,
  payer: Address,
  has: 'key' | 'contract',
  now: Seconds,
): boolean =>
  now < (payers.get(payer)?.until ?? 0) ||
  (has === 'contract' && hour.gas >= MAX_BURNT && now < hour.since + HOUR);
