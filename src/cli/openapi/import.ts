import { MAX_TOOLS } from '../../catalog/schema.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { ToolDocument } from '../../management/tool.route.ts';
import type { EgressReach } from '../../protocol/egress-url.ts';
import type { OpenApi } from './document.ts';
import { operationsOf, type Skipped } from './operation.ts';
import { matches } from './pattern.ts';
import { isFree, type Price, priceOf, type PriceRules } from './prices.ts';
import { type ImportedTool, toolFor } from './tool.ts';

export type ImportOptions = {
  /** The price of operations that no rule names; undefined: they are skipped. */
  readonly price: Price | undefined;
  readonly prices: PriceRules;
  /** Settlement of tools with a price. A maximum price needs `credit`. */
  readonly settlement: 'deferred' | 'upfront' | 'credit';
  /** Patterns; empty for all operations. */
  readonly only: readonly string[];
  readonly exclude: readonly string[];
  readonly upstream: string | undefined;
  readonly namespace: string | undefined;
  readonly reach: EgressReach;
};

export type OpenApiImport = {
  readonly tools: readonly ImportedTool[];
  readonly skipped: readonly Skipped[];
};

/**
 * Converts the chosen operations of an OpenAPI document to tools. Names each operation that it leaves out.
 *
 * @returns why the document cannot be imported at all.
 */
export const importDocument = (
  document: OpenApi,
  options: ImportOptions,
): Result<OpenApiImport, string> => {
  const { operations, skipped } = operationsOf(document, options.namespace);
  const chosen = operations.filter(
    (each) =>
      (options.only.length === 0 || options.only.some((pattern) => matches(pattern, each))) &&
      !options.exclude.some((pattern) => matches(pattern, each)),
  );
  if (chosen.length > MAX_TOOLS) {
    return err(
      `has ${chosen.length} operations, and a gateway sells at most ${MAX_TOOLS} tools: choose with --only and --exclude`,
    );
  }
  const tools: ImportedTool[] = [];
  const left: Skipped[] = [...skipped];
  for (const each of chosen) {
    const price = priceOf(options.prices, each, options.price);
    const tool =
      price === undefined
        ? err('it has no price: give --price, or a pattern in --prices')
        : toolFor(document, each, {
            price,
            settlement: settlementFor(price, options.settlement),
            upstream: options.upstream,
            reach: options.reach,
          });
    if (tool.ok) tools.push(tool.value);
    else left.push({ operation: `${each.method} ${each.path}`, why: tool.error });
  }
  return ok({ tools, skipped: left });
};

const settlementFor = (
  price: Price,
  settlement: ImportOptions['settlement'],
): ToolDocument['settlement'] => {
  if (isFree(price)) return 'free';
  return typeof price === 'string' ? settlement : 'credit';
};
