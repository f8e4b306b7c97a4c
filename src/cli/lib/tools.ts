import canonicalize from 'canonicalize';
import { parseTool } from '../../catalog/schema.ts';
import { type AdminClient, collected, openAdmin, warnIfStopped } from './admin-client.ts';
import type { ArgumentSpec } from './command.ts';
import { CliError, EXIT } from './errors.ts';
import type { Input } from './input.ts';
import { isLoopback } from './local-stack.ts';
import { changedText } from './print.ts';
import type { Session } from './session.ts';
import { sha256Hex, utf8 } from '../../crypto/bytes.ts';
import type { AnswerOf, ItemOf } from '../../management/routes.ts';
import type { ToolDocument } from '../../management/tool.route.ts';
import type { EgressReach } from '../../protocol/egress-url.ts';

export const TOOL: ArgumentSpec = { syntax: '<tool>', summary: 'id of the tool' };

export type CatalogueTool = ItemOf<'tools.list'>;

export const readCatalogue = async (admin: AdminClient): Promise<readonly CatalogueTool[]> =>
  await collected(admin, admin.list('tools.list', { query: { limit: 500 } }));

/** A tool and the ETag of its stored version. */
export const readTool = async (
  admin: AdminClient,
  tool: string,
): Promise<{ readonly document: ToolDocument; readonly etag: string }> => {
  const { body, etag } = await admin.call('tools.get', { params: { tool } });
  return { document: body, etag: etag?.replaceAll('"', '') ?? '*' };
};

/** The ETag that a gateway gives to a document: SHA-256 of its canonical JSON (RFC 8785). */
export const etagOf = (document: unknown): string => sha256Hex(utf8(canonicalize(document) ?? ''));

/** Which upstreams the tools of a gateway may call. The gateway decides by its configuration; this guess only improves the error. */
export const reachOf = (gateway: string): EgressReach =>
  isLoopback(gateway) ? 'local_stack' : 'public';

/** Parses a tool with the gateway's own parser. @throws CliError usage, which names each faulty field */
export const toolIn = (json: unknown, gateway: string): ToolDocument => {
  const parsed = parseTool(json, reachOf(gateway));
  if (parsed.ok) return json as ToolDocument;
  const faults = parsed.error.map(
    ({ field, reason }) => `${field === '' ? 'it' : field} ${reason}`,
  );
  throw new CliError(`That is not a valid tool: ${faults.slice(0, 4).join('; ')}.`, {
    hint: 'Correct the tool. docs/tools.md lists its fields.',
    exit: EXIT.usage,
    code: 'malformed_document',
    details: { faults: parsed.error },
  });
};

/** The price, or the maximum of a variable price. */
export const priceText = ({ price }: Pick<ToolDocument, 'price'>): string =>
  typeof price === 'string' ? price : `≤ ${price.max}`;

/** Replaces the version with this ETag; without one, adds a tool that must not exist. */
export const writeTool = async (
  admin: AdminClient,
  document: ToolDocument,
  etag: string | undefined,
): Promise<AnswerOf<'tools.put'>> => {
  warnIfStopped(admin);
  const { body } = await admin.call('tools.put', {
    params: { tool: document.id },
    body: document,
    ...(etag === undefined ? { ifNoneMatch: '*' } : { ifMatch: etag }),
  });
  return body;
};

export const deleteTool = async (
  admin: AdminClient,
  tool: string,
  etag: string,
): Promise<AnswerOf<'tools.delete'>> => {
  warnIfStopped(admin);
  return (await admin.call('tools.delete', { params: { tool }, ifMatch: etag })).body;
};

/** `tools enable` and `tools disable`. */
export const setDisabled = async (
  session: Session,
  input: Input,
  disabled: boolean,
): Promise<void> => {
  const { out } = session;
  const admin = await openAdmin(session, 'operator');
  const id = input.arguments[0] ?? '';
  const { document, etag } = await readTool(admin, id);
  const { disabled: before = false, ...enabled } = document;
  const next: ToolDocument = disabled ? { ...enabled, disabled: true } : enabled;
  const answer = before === disabled ? { changed: false } : await writeTool(admin, next, etag);
  out.result({ id, disabled, ...answer }, () =>
    changedText(out, answer.changed, `${id} ${disabled ? 'disabled' : 'enabled'}`),
  );
};
