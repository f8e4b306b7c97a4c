import { MAX_TOOLS } from '../../catalog/tool.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { EgressReach } from '../../protocol/egress-url.ts';
import type { OpenApi } from './document.ts';
import { priceOf } from '../prices.ts';
import { type ImportTerms, isChosen, settlementFor } from '../terms.ts';
import { type Operation, operationsOf, type Skipped } from './operation.ts';
import { type ImportedTool, toolFor } from './tool.ts';

export type ImportOptions = ImportTerms & {
  readonly upstream: string | undefined;
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
  const chosen = operations.filter((each) => isChosen(options, namesOf(each)));
  if (chosen.length > MAX_TOOLS) {
    return err(
      `has ${chosen.length} operations, and a gateway sells at most ${MAX_TOOLS} tools: choose with --only and --exclude`,
    );
  }
  const tools: ImportedTool[] = [];
  const left: Skipped[] = [...skipped];
  for (const each of chosen) {
    const price = priceOf(options.prices, namesOf(each), options.price);
    const tool =
      price === undefined
        ? err('it has no price: give --price, or a pattern in --price-for or --prices')
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

/** A pattern names an operation by its id, its path, or method and path. */
const namesOf = ({ id, method, path }: Operation): readonly string[] => [
  id,
  path,
  `${method} ${path}`,
];
