import type { Address } from '../../core/hex.ts';
import type { Network } from '../../protocol/account-id.ts';
import { formatDollars, parseMoneyOption } from '../../protocol/amount.ts';
import { nameOfNetwork } from '../../protocol/x402/networks.ts';
import { tokenOf } from '../../protocol/x402/tokens.ts';
import { usageError } from './errors.ts';
import { printable } from './text.ts';

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

/** An amount with its token and network: dollars for the pinned USDC contract, else atomic units. */
export const tokenAmount = (amount: bigint, network: Network, asset: Address): string => {
  const name = nameOfNetwork(network) ?? network;
  return tokenOf(network)?.address === asset.toLowerCase()
    ? `${formatDollars(amount)} in USDC on ${name}`
    : `${amount} of ${asset} on ${name}`;
};

/** Credit lent to agents. The account learns what they spent when a lease is renewed or ends. */
export const lentText = (lent: string): string | undefined =>
  lent === '0' ? undefined : `${dollars(lent)}; agents report what they spent of it within 70 s`;
