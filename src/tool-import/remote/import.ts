import { err, type Result } from '../../core/result.ts';
import type { ToolDocument } from '../../management/tool.route.ts';
import type { EgressReach } from '../../protocol/egress-url.ts';
import type { Listing } from '../../remote/list-tools.ts';
import { priceOf } from '../prices.ts';
import { type ImportTerms, isChosen, settlementFor } from '../terms.ts';
import { documentFor, idFor } from './tool-document.ts';

export type RemoteImportOptions = ImportTerms & { readonly reach: EgressReach };

/** `alias`: the id differs from the tool's name at the server in more than its namespace. */
export type RemoteImport = {
  readonly tools: readonly ToolDocument[];
  readonly aliases: readonly { readonly id: string; readonly name: string }[];
  /** `id`: the existing tool that sells it. */
  readonly skipped: readonly {
    readonly name: string;
    readonly why: string;
    readonly id?: string;
  }[];
};

/** Converts the listed tools of a server to tools of a gateway that sells `present`. Tools that it sells already stay as they are. */
export const importListing = (
  url: string,
  { tools: listed, unusable }: Listing,
  present: readonly ToolDocument[],
  { price: standard, prices, settlement, namespace, reach, ...patterns }: RemoteImportOptions,
): RemoteImport => {
  const sold = new Map(
    present.flatMap(({ id, upstream }) =>
      typeof upstream === 'object' && 'mcp' in upstream && upstream.mcp === url
        ? [[upstream.tool, id] as const]
        : [],
    ),
  );
  const taken = new Set(present.map(({ id }) => id));
  const tools: ToolDocument[] = [];
  const aliases: { readonly id: string; readonly name: string }[] = [];
  const skipped: RemoteImport['skipped'][number][] = unusable.map(({ name, reason }) => ({
    name,
    why: reason,
  }));
  for (const [name, definition] of listed) {
    const known = sold.get(name);
    if (known !== undefined) {
      const why = `is sold as ${known}: \`tools check-mcp\` compares it`;
      skipped.push({ name, why, id: known });
      continue;
    }
    const id = idFor(name, namespace, taken);
    if (!isChosen(patterns, [id, name])) continue;
    const price = priceOf(prices, [id, name], standard);
    const made: Result<ToolDocument, string> =
      price === undefined
        ? err('has no price: give --price, or a pattern in --price-for or --prices')
        : documentFor(
            url,
            definition,
            { id, price, settlement: settlementFor(price, settlement) },
            reach,
          );
    if (!made.ok) {
      skipped.push({ name, why: made.error });
      continue;
    }
    taken.add(id);
    tools.push(made.value);
    if (id !== `${namespace === undefined ? '' : `${namespace}.`}${name}`)
      aliases.push({ id, name });
  }
  return { tools, aliases, skipped };
};
