import type { Address } from '../../core/hex.ts';
import type { Network } from '../../protocol/account-id.ts';
import { formatDollars, parseMoneyOption } from '../../protocol/amount.ts';
import { fiatOf, isFiat } from '../../protocol/fiat-asset.ts';
import { nameOfNetwork, tokenOf } from '../../protocol/x402/networks.ts';
import { usageError } from './errors.ts';
import { counted, printable } from './text.ts';

/** Atomic units of an option: `0.05` and `'$0.05'` are dollars, `50000u` is atomic units. @throws CliError usage */
export const amountIn = (text: string, flag: string): bigint => {
  const value = parseMoneyOption(text);
  if (value !== undefined) return value;
  throw usageError(
    `${flag} takes an amount, not ${JSON.stringify(printable(text).slice(0, 40))}.`,
    "Give dollars with at most six decimals, 0.05 or '$0.05' (in quotes: the shell expands a $), or atomic units, 50000u.",
  );
};

/** Atomic units as dollars. A gateway accepts dollar tokens with six decimals only. */
export const dollars = (amount: string | bigint | undefined): string =>
  amount === undefined ? '' : formatDollars(BigInt(amount));

/** An amount of a call or limit in dollars, with a mark if a card pays instead of a token. */
export const inAsset = (amount: string | bigint | undefined, asset: string | undefined): string =>
  amount !== undefined && asset !== undefined && isFiat(asset)
    ? `${dollars(amount)} (card)`
    : dollars(amount);

/** An amount with its token and network: dollars for the pinned USDC contract, else atomic units. */
export const tokenAmount = (amount: bigint, network: Network, asset: Address): string => {
  if (fiatOf(asset) !== undefined) return `${formatDollars(amount)} from a card`;
  const name = nameOfNetwork(network) ?? network;
  return tokenOf(network)?.address === asset.toLowerCase()
    ? `${formatDollars(amount)} in USDC on ${name}`
    : `${amount} of ${asset} on ${name}`;
};

/** Credit lent to agents. The account learns what they spent when a lease is renewed or ends. */
export const lentText = (lent: string): string | undefined =>
  lent === '0' ? undefined : `${dollars(lent)}; agents report what they spent of it within 70 s`;

const SECONDS_IN: Readonly<Record<string, number>> = {
  s: 1,
  m: 60,
  h: 3600,
  d: 86_400,
  w: 604_800,
};

/** Seconds of `30d`, `12h`, `60s` or `60`; undefined for anything else. */
export const durationIn = (text: string): number | undefined => {
  const [, count = '', unit = 's'] = /^([1-9][0-9]{0,8})([smhdw]?)$/.exec(text) ?? [];
  const seconds = Number(count) * (SECONDS_IN[unit === '' ? 's' : unit] ?? Number.NaN);
  return count !== '' && Number.isSafeInteger(seconds) ? seconds : undefined;
};

export const isoDay = (seconds: number): string => isoTime(seconds).slice(0, 10);

/** `2026-12-31T00:00:00Z`, or the number itself beyond the range of `Date`. */
export const isoTime = (seconds: number): string => {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? String(seconds) : date.toISOString().replace('.000Z', 'Z');
};

/** `2026-12-31 12:00`, for tables. */
export const shortTime = (seconds: number | undefined): string =>
  seconds === undefined ? '' : isoTime(seconds).slice(0, 16).replace('T', ' ');

/** An exact duration in the largest whole unit, so that different durations never print alike. */
export const exactly = (seconds: number): string => {
  if (seconds % 86_400 === 0) return counted(seconds / 86_400, 'day');
  return seconds % 3600 === 0 ? `${seconds / 3600} h` : `${seconds} s`;
};
