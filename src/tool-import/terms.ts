import type { ToolDocument } from '../management/tool.route.ts';
import { isLike } from './pattern.ts';
import { isFree, type Price, type PriceRules } from './prices.ts';

/** Which tools are imported, and how they are sold. */
export type ImportTerms = {
  /** The price of tools that no pattern names; undefined: skip them. */
  readonly price: Price | undefined;
  readonly prices: PriceRules;
  /** Settlement of tools with a price. A maximum price needs `credit`. */
  readonly settlement: 'deferred' | 'upfront' | 'credit';
  /** Patterns; empty for all tools. */
  readonly only: readonly string[];
  readonly exclude: readonly string[];
  readonly namespace: string | undefined;
};

export const NAMESPACE_HINT = 'must be 1 to 32 of a-z 0-9 _ -, starting with a letter or digit';
export const isNamespace = (text: string): boolean => /^[a-z0-9][a-z0-9_-]{0,31}$/.test(text);

/** Whether the patterns choose a tool with any of these names. */
export const isChosen = (
  { only, exclude }: Pick<ImportTerms, 'only' | 'exclude'>,
  names: readonly string[],
): boolean => {
  const isNamed = (pattern: string): boolean => names.some((name) => isLike(pattern.trim(), name));
  return (only.length === 0 || only.some(isNamed)) && !exclude.some(isNamed);
};

/** The settlement of a tool with this price: a free one needs none, and a maximum price is charged from credit. */
export const settlementFor = (
  price: Price,
  settlement: ImportTerms['settlement'],
): ToolDocument['settlement'] => {
  if (isFree(price)) return 'free';
  return typeof price === 'string' ? settlement : 'credit';
};
