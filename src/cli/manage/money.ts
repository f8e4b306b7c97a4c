import { formatDollars, MAX_STORED, parseAmount, parseDollars } from '../../core/amount.ts';
import { usageError } from '../errors.ts';

/** Atomic units of `'$0.05'`, or of a number of them. @throws CliError, which names the flag */
export const moneyIn = (text: string, flag: string): bigint => {
  const value = parseDollars(text) ?? parseAmount(text);
  if (value !== undefined && value <= MAX_STORED) return value;
  throw usageError(
    `${flag} takes an amount.`,
    "Give dollars with at most six decimals, as '$0.05' (in quotes: the shell reads a $), or atomic units.",
  );
};

/** Atomic units of a six-decimal dollar token for people: every token that a gateway takes is one. */
export const dollars = (amount: string | bigint | undefined): string =>
  amount === undefined ? '' : formatDollars(BigInt(amount));

/** Dollars are read with up to nine digits before the point. */
const MOST_DOLLARS = 1_000_000_000_000_000n;

/** An amount as a policy document takes it: dollars, or above what is read as such atomic units. */
export const amountText = (amount: bigint): string =>
  amount < MOST_DOLLARS ? formatDollars(amount) : amount.toString();
