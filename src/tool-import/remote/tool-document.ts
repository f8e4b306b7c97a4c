import { schemaFault } from '../../catalog/schema-fault.ts';
import { shortText } from '../../core/plain-text.ts';
import { resolveSchema } from '../../catalog/resolve-schema.ts';
import { parseTool } from '../../catalog/schema.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { ToolDocument } from '../../management/tool.route.ts';
import type { EgressReach } from '../../protocol/egress-url.ts';
import { type ToolDefinition, toolPin } from '../../remote/definition.ts';
import type { Price } from '../prices.ts';

/** How a tool of a remote MCP server is sold. */
export type RemoteTerms = {
  readonly id: string;
  readonly price: Price;
  readonly settlement: ToolDocument['settlement'];
};

/** The parts of a definition that the gateway keeps, bounded and without hidden characters. */
export type SoldDefinition = Pick<ToolDocument, 'description' | 'inputSchema'> & {
  readonly pin: string;
};

const MAX_DESCRIPTION = 256;
/** The most that a tool may take without holding money while it is silent: a session of an older revision is three requests. */
const TIMEOUT = 25;

/** Bounds and pins a definition. @returns why it cannot be sold, as the end of a sentence */
export const soldDefinition = (definition: ToolDefinition): Result<SoldDefinition, string> => {
  const pin = toolPin(definition);
  if (pin === undefined) return err('holds text that is not Unicode');
  const resolved = resolveSchema({ ...definition.inputSchema, type: 'object' });
  if (!resolved.ok) return err(`has an input schema that ${resolved.error.reason}`);
  const { description = '' } = definition;
  return ok({
    description: shortText(description, MAX_DESCRIPTION) || definition.name,
    inputSchema: resolved.value.schema,
    pin,
  });
};

/** Builds the tool that sells a definition. @returns why it cannot be sold, as the end of a sentence */
export const documentFor = (
  url: string,
  definition: ToolDefinition,
  { id, price, settlement }: RemoteTerms,
  reach: EgressReach,
): Result<ToolDocument, string> => {
  const sold = soldDefinition(definition);
  if (!sold.ok) return sold;
  const { pin, ...shown } = sold.value;
  const document: ToolDocument = {
    id,
    method: 'POST',
    path: `/tools/${id}`,
    ...shown,
    price,
    settlement,
    timeoutSeconds: TIMEOUT,
    upstream: { mcp: url, tool: definition.name, pin },
  };
  const parsed = parseTool(document, reach);
  if (!parsed.ok) return err(`would be faulty: ${faultText(parsed.error[0])}`);
  const fault = schemaFault(parsed.value.inputSchema);
  return fault === undefined ? ok(document) : err(`would be faulty: ${faultText(fault)}`);
};

const faultText = (
  fault: { readonly field: string; readonly reason: string } | undefined,
): string => `${fault?.field ?? ''} ${fault?.reason ?? ''}`;

/** Ids are at most this long. */
const MAX_ID = 64;

/**
 * Returns the id of a tool: its name in lower case, behind the namespace, with `-` for every other character. A name that is taken gets a
 * number: `Search` and `search` are two tools of one server.
 */
export const idFor = (
  name: string,
  namespace: string | undefined,
  taken: ReadonlySet<string>,
): string => {
  const plain = name.toLowerCase().replace(/[^a-z0-9._-]/g, '-');
  const full = `${namespace === undefined ? '' : `${namespace}.`}${plain}`.replace(
    /^[^a-z0-9]+/,
    '',
  );
  const base = full === '' ? 'tool' : full.slice(0, MAX_ID);
  for (let number = 1; ; number += 1) {
    const suffix = number === 1 ? '' : `-${number}`;
    const id = base.slice(0, MAX_ID - suffix.length) + suffix;
    if (!taken.has(id)) return id;
  }
};
