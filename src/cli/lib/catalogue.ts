import canonicalize from 'canonicalize';
import { parseTool } from '../../catalog/schema.ts';
import type { EgressReach } from '../../protocol/egress-url.ts';
import { utf8 } from '../../crypto/bytes.ts';
import { sha256Hex } from '../../crypto/digest.ts';
import type { ToolDocument } from '../../management/tool.route.ts';
import type { ItemOf } from '../../management/types.ts';
import { CliError } from './errors.ts';
import { EXIT } from './exit-code.ts';
import { collected, type AdminClient } from './admin-client.ts';
import { isLoopback } from './local-stack.ts';

export type CatalogueTool = ItemOf<'tools.list'>;

export const readCatalogue = async (admin: AdminClient): Promise<readonly CatalogueTool[]> =>
  await collected(admin, admin.list('tools.list', { query: { limit: 500 } }));

/** One tool with the ETag of what it says now. */
export const readTool = async (
  admin: AdminClient,
  tool: string,
): Promise<{ readonly document: ToolDocument; readonly etag: string }> => {
  const { body, etag } = await admin.call('tools.get', { params: { tool } });
  return { document: body, etag: etag?.replaceAll('"', '') ?? '*' };
};

/** The ETag that a gateway gives to a tool. */
export const etagOf = (document: unknown): string => sha256Hex(utf8(canonicalize(document) ?? ''));

/** Which upstreams a gateway may call. The gateway decides by its own configuration; here its origin says. */
export const reachOf = (gateway: string): EgressReach =>
  isLoopback(gateway) ? 'local_stack' : 'public';

/** A tool as the gateway will read it. @throws CliError, which names each field that is wrong */
export const toolIn = (json: unknown, gateway: string): ToolDocument => {
  const parsed = parseTool(json, reachOf(gateway));
  if (parsed.ok) return json as ToolDocument;
  const faults = parsed.error.map(
    ({ field, reason }) => `${field === '' ? 'it' : field} ${reason}`,
  );
  throw new CliError(`That is no tool: ${faults.slice(0, 4).join('; ')}.`, {
    hint: 'Correct it. docs/tools.md lists the fields of a tool.',
    exit: EXIT.usage,
    code: 'malformed_document',
    details: { faults: parsed.error },
  });
};

/** A price for people: what it is, or the most that it can be. */
export const priceText = ({ price }: Pick<ToolDocument, 'price'>): string =>
  typeof price === 'string' ? price : `≤ ${price.max}`;
