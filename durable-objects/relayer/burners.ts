import type { Address } from '../../src/core/hex.ts';
import type { Seconds } from '../../src/core/clock.ts';
import { isRefused, MOST_STRIKES, type Pending } from '../../src/settlement/relayer/pending.ts';

/**
 * Who has burnt gas of ours in transactions that moved nothing. In memory only: an object that dies forgets it, and is burnt that much
 * again at the most; payments that were struck out are stored, and bar their payer for as long as they are kept.
 */
export type Burners = {
  readonly payers: Map<Address, Burner>;
  /** What payers with code have burnt in the hour that began with the first of it. */
  hour: { readonly since: Seconds; readonly gas: number };
};

type Burner = {
  /** When transactions with nobody else's payment aboard moved nothing, the last ones. */
  readonly strikes: readonly Seconds[];
  /** Until when none of its payments is taken or sent. */
  readonly until: Seconds;
};

const DAY: Seconds = 24 * 3_600;
const HOUR: Seconds = 3_600;
/** 33 transactions of one payer with code. New addresses cost nothing, so that a bound for each of them bounds nothing. */
const MOST_BURNT = 20_000_000;
const MOST_PAYERS = 10_000;

export const openBurners = (pending: readonly Pending[]): Burners => {
  const burners: Burners = { payers: new Map(), hour: { since: 0, gas: 0 } };
  for (const one of pending) if (isRefused(one)) noteStruckOut(burners, one);
  return burners;
};

/** A payment is refused for good: its payer is, as long as it is kept. */
export const noteStruckOut = (
  { payers }: Burners,
  { authorization: { from, validBefore } }: Pick<Pending, 'authorization'>,
): void => {
  const { strikes = [], until = 0 } = payers.get(from) ?? {};
  payers.set(from, { strikes, until: Math.max(until, Number(validBefore)) });
};

/** A transaction with this payer's payments alone moved nothing. */
export const noteStrike = ({ payers }: Burners, payer: Address, now: Seconds): void => {
  const { strikes: before, until } = payers.get(payer) ?? { strikes: [], until: 0 };
  const strikes = [...before.filter((at) => at > now - DAY), now].slice(-MOST_STRIKES);
  const [first] = strikes;
  const barred = strikes.length >= MOST_STRIKES && first !== undefined ? first + DAY : 0;
  if (payers.size >= MOST_PAYERS && !payers.has(payer)) payers.clear();
  payers.set(payer, { strikes, until: Math.max(until, barred) });
};

/** A payer with code has burnt gas. */
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
  (has === 'contract' && hour.gas >= MOST_BURNT && now < hour.since + HOUR);
