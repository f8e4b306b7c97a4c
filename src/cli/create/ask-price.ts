import { formatDollars, parseMoney } from '../../protocol/amount.ts';
import { usageError } from '../lib/errors.ts';
import type { Input } from '../lib/input.ts';
import type { Session } from '../lib/session.ts';
import { amountIn } from '../lib/units.ts';

export const DEFAULT_PRICE = '0.01';

/**
 * Asks for the price of a call. @returns it in the format of tools.json
 *
 * @param fallback used without a terminal to ask on; if absent, the option is required there
 */
export const askPrice = async (
  { prompts }: Session,
  input: Input,
  fallback?: string,
): Promise<string> => {
  const isPrice = (text: string): boolean => {
    try {
      return amountIn(text, '--price') >= 0n;
    } catch {
      return false;
    }
  };
  const text =
    input.text('price') ??
    (prompts.isInteractive
      ? await prompts.text({
          message: 'Price of a call in dollars',
          instead: '--price <amount>',
          initial: DEFAULT_PRICE,
          check: (given) => (isPrice(given) ? undefined : 'Type an amount such as 0.01.'),
        })
      : fallback);
  if (text !== undefined) return formatDollars(amountIn(text, '--price'));
  throw usageError('The command needs a price for a call.', 'Give --price, e.g. --price 0.01.');
};

/** The cost of one settlement in fees or gas (docs/cost.md#2-what-does-settlement-cost). */
const SETTLEMENT = 1_000n;

/** Returns a warning if settlement costs as much as the price earns; none for a free tool. */
export const priceNotes = (price: string): readonly string[] => {
  const amount = parseMoney(price) ?? 0n;
  return amount === 0n || amount > SETTLEMENT
    ? []
    : [
        `a call for ${price} earns about what its settlement costs: with "settlement": "credit" one top-up pays for many calls`,
      ];
};
