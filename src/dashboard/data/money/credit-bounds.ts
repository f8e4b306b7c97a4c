import type { JsonObject } from '../../../core/json-object.ts';
import { MAX_TOP_UP, min, parseAmount } from '../../../protocol/amount.ts';
import { isFiat } from '../../../protocol/fiat-asset.ts';
import { decimalOf, atomicIn } from '../../format/amount.ts';

/** The least and the most that one purchase may cost, in atomic units. */
export type CreditBounds = { readonly least: bigint; readonly most: bigint };

/** The bounds at a gateway with these public tools: no purchase is smaller than its cheapest paid call (src/gateway/account-api/top-up.ts). */
export const creditBounds = (tools: readonly JsonObject[]): CreditBounds => {
  const prices = tools.flatMap(({ amount, asset }) => {
    const price = typeof asset === 'string' && isFiat(asset) ? 0n : parseAmount(String(amount));
    return price === undefined || price === 0n ? [] : [price];
  });
  const least = prices.reduce<bigint | undefined>(
    (cheapest, price) => (cheapest === undefined ? price : min(cheapest, price)),
    undefined,
  );
  return { least: min(least ?? 1n, MAX_TOP_UP), most: MAX_TOP_UP };
};

const PRESETS = [5_000_000n, 20_000_000n, 100_000_000n];

/** The amounts to choose with one click. */
export const presetsWithin = ({ least, most }: CreditBounds): readonly bigint[] => {
  const within = PRESETS.filter((amount) => amount >= least && amount <= most);
  return within.length === 0 ? [least] : within;
};

/** The fault of an amount that a person typed; undefined if it has none. */
export const amountProblem = (text: string, { least, most }: CreditBounds): string | undefined => {
  const amount = atomicIn(text);
  if (amount === undefined) return 'Enter dollars with at most six decimals, like 5 or 2.50.';
  if (amount < least)
    return `Buy at least ${decimalOf(least)} USDC, the price of the cheapest call.`;
  return amount > most ? `Buy at most ${decimalOf(most)} USDC at once.` : undefined;
};
