import { formatDollars, parseMoneyOption } from '../../protocol/amount.ts';
import { usageError } from './errors.ts';
import { printable } from './text.ts';

/** Atomic units of an option: `0.05` and `'$0.05'` are dollars, `50000u` is atomic units. @throws CliError, which names the flag */
export const moneyIn = (text: string, flag: string): bigint => {
  const value = parseMoneyOption(text);
  if (value !== undefined) return value;
  throw usageError(
    `${flag} takes an amount, not ${JSON.stringify(printable(text).slice(0, 40))}.`,
    "Give dollars with at most six decimals, 0.05 or '$0.05' (in quotes: the shell expands a $), or atomic units, 50000u.",
  );
};

/** Atomic units of a six-decimal dollar token for people: every token that a gateway takes is one. */
export const dollars = (amount: string | bigint | undefined): string =>
  amount === undefined ? '' : formatDollars(BigInt(amount));
