import type { Json } from '../../../src/audit/entry.ts';
import type { Start } from '../../../src/catalog/catalogue.ts';
import { parseTools } from '../../../src/catalog/schema.ts';
import { toolHash } from '../../../src/catalog/stored-tool.ts';
import type { ToolRow } from '../../../src/catalog/store.ts';

type Document = { readonly id: string; readonly [key: string]: Json };

/** A tool as `tools.json` writes it. */
export const documentOf = (id: string, changes: Readonly<Record<string, Json>> = {}): Document => ({
  id,
  method: 'GET',
  path: `/tools/${id}`,
  description: `Does ${id}.`,
  price: '$0.001',
  settlement: 'deferred',
  upstream: `/${id}`,
  ...changes,
});

/** What a gateway of this file starts from. */
export const startOf = (documents: readonly Document[]): Start => {
  const tools = parseTools({ tools: documents }, 'public');
  if (!tools.ok) throw new Error(JSON.stringify(tools.error));
  return { tools: tools.value, documents, upstreamUrl: 'https://api.example', reach: 'public' };
};

export const GATEWAY = 'eip155:84532:0x1111111111111111111111111111111111111111';

/** What an entry says that puts a tool; `removal` of one that removes it. */
export const putOf = (seq: number, document: Document, more: Partial<ToolRow> = {}): ToolRow => ({
  account: GATEWAY,
  id: document.id,
  document,
  hash: toolHash(document),
  seq,
  at: 1_000 + seq,
  ...more,
});
export const removalOf = (seq: number, id: string, more: Partial<ToolRow> = {}): ToolRow => ({
  account: GATEWAY,
  id,
  document: null,
  hash: null,
  seq,
  at: 1_000 + seq,
  ...more,
});
