import { isObject } from '../core/json-object.ts';
import { MONEY_HINT, parseMoney } from '../protocol/amount.ts';
import { err, ok, type Result } from '../core/result.ts';
import { isLike } from './pattern.ts';

/** A price in the form of `tools.json`. */
export type Price = string | { readonly max: string };

/** Prices by pattern, in the order of the file. */
export type PriceRules = readonly (readonly [pattern: string, price: Price])[];

const MAX_RULES = 1_000;

/**
 * Reads `{"GET /pets/*": "$0.01", "/reports/*": {"max": "$0.10"}, "*": "$0.001"}`.
 *
 * @returns the first fault, as the end of a sentence.
 */
export const readPrices = (json: unknown): Result<PriceRules, string> => {
  if (!isObject(json)) return err('must be an object of prices by pattern');
  const rules = Object.entries(json);
  if (rules.length > MAX_RULES) return err(`may have at most ${MAX_RULES} patterns`);
  for (const [pattern, price] of rules) {
    const money = isObject(price) && Object.keys(price).length === 1 ? price['max'] : price;
    if (typeof money !== 'string' || parseMoney(money) === undefined) {
      return err(`has a price for ${JSON.stringify(pattern.slice(0, 80))} that ${MONEY_HINT}`);
    }
  }
  return ok(rules as unknown as PriceRules);
};

/** Returns the price of the first pattern that names one of the names. */
export const priceOf = (
  rules: PriceRules,
  names: readonly string[],
  standard: Price | undefined,
): Price | undefined =>
  rules.find(([pattern]) => names.some((name) => isLike(pattern.trim(), name)))?.[1] ?? standard;

/** True for a price of nothing, which needs settlement `free`. */
export const isFree = (price: Price): boolean =>
  typeof price === 'string' && parseMoney(price) === 0n;
