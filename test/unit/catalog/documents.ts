import type { Json } from '../../../src/protocol/entry.ts';
import type { DeployedTools } from '../../../src/catalog/catalogue.ts';
import { parseTools } from '../../../src/catalog/schema.ts';

type Document = { readonly id: string; readonly [key: string]: Json };

/** A tool in the form of `tools.json`. */
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

/** The deployed tools with these documents. */
export const startOf = (documents: readonly Document[]): DeployedTools => {
  const tools = parseTools({ tools: documents }, 'public');
  if (!tools.ok) throw new Error(JSON.stringify(tools.error));
  return {
    tools: tools.value,
    documents,
    upstreamUrl: 'https://api.example',
    reach: 'public',
    services: ['BOUND'],
  };
};
