import { err, type Result } from '../../core/result.ts';
import type { ToolDocument } from '../../management/tool.route.ts';
import type { EgressReach } from '../../protocol/egress-url.ts';
import type { Listing } from '../../remote/list-tools.ts';
import { isLike } from '../openapi/pattern.ts';
import { documentFor, idFor } from './tool-document.ts';

export type RemoteImportOptions = {
  /** Of tools that no pattern names; undefined: they are skipped. In the form of `tools.json`. */
  readonly price: string | undefined;
  /** Patterns of ids or of names at the server, and prices. The first match counts. */
  readonly prices: readonly (readonly [pattern: string, price: string])[];
  readonly settlement: 'deferred' | 'upfront' | 'credit';
  readonly namespace: string | undefined;
  readonly reach: EgressReach;
};

/** `alias`: the id differs from the tool's name at the server in more than its namespace. */
export type RemoteImport = {
  readonly tools: readonly ToolDocument[];
  readonly aliases: readonly { readonly id: string; readonly name: string }[];
  readonly skipped: readonly { readonly name: string; readonly why: string }[];
};

/** Converts the listed tools of a server to tools of a gateway that sells `present`. Tools that it sells already stay as they are. */
export const importListing = (
  url: string,
  { tools: listed, unusable }: Listing,
  present: readonly ToolDocument[],
  { price: standard, prices, settlement, namespace, reach }: RemoteImportOptions,
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
  const skipped = unusable.map(({ name, reason }) => ({ name, why: reason }));
  for (const [name, definition] of listed) {
    const known = sold.get(name);
    if (known !== undefined) {
      skipped.push({ name, why: `is sold as ${known}: \`tools check-mcp\` compares it` });
      continue;
    }
    const id = idFor(name, namespace, taken);
    const price =
      prices.find(([pattern]) => isLike(pattern, id) || isLike(pattern, name))?.[1] ?? standard;
    const made: Result<ToolDocument, string> =
      price === undefined
        ? err('has no price: give --price, or a pattern in --price-for')
        : documentFor(
            url,
            definition,
            { id, price, settlement: price === '$0' ? 'free' : settlement },
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
