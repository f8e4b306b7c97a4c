import { err, ok, type Result } from '../../../core/result.ts';
import type { ToolDocument } from '../../../management/tool.route.ts';
import { formatDollars, parseMoneyOption } from '../../../protocol/amount.ts';
import { readEgressUrl } from '../../../protocol/egress-url.ts';
import { planOf, type Step } from '../../../tool-import/plan.ts';
import { type ImportTerms, isNamespace, NAMESPACE_HINT } from '../../../tool-import/terms.ts';
import type { CatalogueTool } from './catalogue.ts';
import { expectedReach } from '../gateway/local-stack.ts';

/** A document to import, and how its tools are sold, as a person types it. */
export type ImportDraft = {
  readonly source: 'openapi' | 'mcp';
  /** The OpenAPI document, or the answer of the MCP server to `tools/list`. */
  readonly text: string;
  /** OpenAPI: replaces the server of the document. MCP: the endpoint. */
  readonly url: string;
  /** Dollars. */
  readonly price: string;
  readonly settlement: ImportTerms['settlement'];
  /** Put before each id, or nothing. */
  readonly namespace: string;
};

/** A tool that the import adds or changes. */
export type ImportStep = Exclude<Step, { readonly kind: 'remove' }>;

export type ImportPlan = {
  readonly steps: readonly ImportStep[];
  /** Tools whose stored version is equal. */
  readonly same: number;
  readonly skipped: readonly { readonly name: string; readonly why: string }[];
  /** Notes for the operator, by tool. */
  readonly notes: readonly { readonly tool: string; readonly note: string }[];
};

/** A fault of one field of the draft, as the end of a sentence. */
export type ImportFault = { readonly field: keyof ImportDraft; readonly reason: string };

type Made = Omit<ImportPlan, 'steps' | 'same'> & { readonly tools: readonly ToolDocument[] };

const EMPTY_TEXT = 'is empty: choose a file, or paste its text here';

/** Reads a pasted document with the code of `countersign tools import`, and compares it with the catalogue. Sends nothing. */
export const planImport = async (
  draft: ImportDraft,
  present: readonly CatalogueTool[],
): Promise<Result<ImportPlan, ImportFault>> => {
  const price = parseMoneyOption(draft.price.trim());
  if (price === undefined)
    return err({ field: 'price', reason: 'is not an amount in dollars, like 0.01' });
  const namespace = draft.namespace.trim();
  if (namespace !== '' && !isNamespace(namespace)) {
    return err({ field: 'namespace', reason: NAMESPACE_HINT });
  }
  const terms: ImportTerms = {
    ...{ price: formatDollars(price), prices: [], settlement: draft.settlement },
    ...{ only: [], exclude: [], namespace: namespace === '' ? undefined : namespace },
  };
  if (draft.text.trim() === '') return err({ field: 'text', reason: EMPTY_TEXT });
  const made = await (draft.source === 'openapi' ? fromOpenApi : fromMcp)(draft, terms, present);
  if (!made.ok) return made;
  const { tools, skipped, notes } = made.value;
  const steps = planOf(present, tools, true).filter((step) => step.kind !== 'remove');
  return ok({ steps, same: tools.length - steps.length, skipped: skipped.map(forPage), notes });
};

/** The command names its options in brackets. */
const forPage = ({ name, why }: ImportPlan['skipped'][number]) => ({
  name,
  why: why.replaceAll(/ \(--[a-z-]+\)/g, ''),
});

type Reader = (
  draft: ImportDraft,
  terms: ImportTerms,
  present: readonly CatalogueTool[],
) => Promise<Result<Made, ImportFault>>;

const fromOpenApi: Reader = async ({ text, url }, terms, present) => {
  const [{ readOpenApi }, { importDocument }, { mergedTools }] = await Promise.all([
    import('../../../tool-import/openapi/document.ts'),
    import('../../../tool-import/openapi/import.ts'),
    import('../../../tool-import/openapi/merge.ts'),
  ]);
  const document = readOpenApi(text);
  if (!document.ok) return err({ field: 'text', reason: document.error });
  const upstream = url.trim() === '' ? undefined : url.trim();
  const imported = importDocument(document.value, { ...terms, upstream, reach: expectedReach() });
  if (!imported.ok) return err({ field: 'text', reason: imported.error });
  const { tools, conflicts } = mergedTools(
    present.map(({ tool }) => tool),
    imported.value.tools,
  );
  return ok({
    tools,
    skipped: [...imported.value.skipped, ...conflicts].map(({ operation, why }) => ({
      name: operation,
      why,
    })),
    notes: imported.value.tools.flatMap(({ tool, notes }) =>
      notes.map((note) => ({ tool: tool.id, note })),
    ),
  });
};

const fromMcp: Reader = async ({ text, url }, terms, present) => {
  const endpoint = readEgressUrl(url.trim(), expectedReach());
  if (!endpoint.ok) return err({ field: 'url', reason: endpoint.error });
  const [{ readPastedList }, { importListing }] = await Promise.all([
    import('../../../tool-import/remote/pasted-list.ts'),
    import('../../../tool-import/remote/import.ts'),
  ]);
  const listing = await readPastedList(text);
  if (!listing.ok) return err({ field: 'text', reason: listing.error });
  const sold = present.map(({ tool }) => tool);
  const options = { ...terms, reach: expectedReach() };
  const { tools, aliases, skipped } = importListing(url.trim(), listing.value, sold, options);
  const notes = aliases.map(({ id, name }) => ({ tool: id, note: `named ${name} at the server` }));
  return ok({ tools, skipped, notes });
};
