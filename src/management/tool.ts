import { checkPut, findListed, type ListedTool, listTools } from '../catalog/listed-tools.ts';
import { storedTool } from '../catalog/stored-tool.ts';
import type { Tool } from '../catalog/tool.ts';
import { type Config, gatewayAccount } from '../config/config.ts';
import { uptoFaults } from '../config/upto-sender.ts';
import { withoutUndefined } from '../core/without-undefined.ts';
import type { Json } from '../protocol/entry.ts';
import type { FieldFault } from '../protocol/fault.ts';
import { outcomeBody, sendCommand } from './command.ts';
import type { AdminRequest, Handler, Handlers } from './handler.ts';
import { queryReason, refuse, reply, replyPage, type ReplyResult } from './reply.ts';
import type { AnswerOf } from './routes.ts';
import type { TOOL_ROUTES } from './tool.route.ts';

type Item = AnswerOf<'tools.list'>['items'][number];

const itemOf = ({ id, hash, source, disabled, fault, document }: ListedTool): Item => ({
  ...{ id, etag: hash, source, disabled, tool: document as unknown as Item['tool'] },
  ...withoutUndefined({ fault }),
});

/** Lists all tools by id: served, disabled, and faulty ones. The cursor is the last id. */
const list: Handler<'tools.list'> = async ({ context, query, request, now }) => {
  const catalogue = await context.catalogue.fresh(now);
  if (!catalogue.ok) return catalogue;
  const after = query.after === undefined ? '' : idOfCursor(query.after);
  if (after === undefined) return refuse(queryReason({ kind: 'bad_cursor' }));
  const rest = listTools(catalogue.value).filter(({ id }) => id > after);
  const items = rest.slice(0, query.limit).map(itemOf);
  const last = items.at(-1)?.id;
  const next = rest.length > items.length && last !== undefined ? cursorOf(last) : undefined;
  return replyPage(request, { items, next });
};

/** Encodes in base64: an id may contain dots, a cursor may not. */
const cursorOf = (id: string): string => btoa(id).replace(/=+$/, '');

const idOfCursor = (cursor: string): string | undefined => {
  try {
    return atob(cursor);
  } catch {
    return undefined;
  }
};

const get: Handler<'tools.get'> = async ({ context, params, now }) => {
  const catalogue = await context.catalogue.fresh(now);
  if (!catalogue.ok) return catalogue;
  const stored = findListed(catalogue.value, params.tool);
  return stored === undefined
    ? refuse({ reason: 'unknown_tool' })
    : reply(stored.document, stored.hash);
};

/** Adds or changes a tool. Every isolate serves it within 5 s. */
const put: Handler<'tools.put'> = async (request) => {
  const { context, params, now } = request;
  const catalogue = await context.catalogue.fresh(now);
  if (!catalogue.ok) return catalogue;
  const checked = checkPut(catalogue.value, params.tool, request.body);
  if (!checked.ok) {
    const faults = checked.error.map(({ field, reason }) => ({
      field: field === '' ? 'body' : `body.${field}`,
      reason,
    }));
    return refuse({ reason: 'malformed_document', faults });
  }
  const { inputSchema } = checked.value;
  const metered = await checkMeter(checked.value, context.config);
  if (metered.length > 0) {
    const faults = metered.map((each) => ({ ...each, field: `body.${each.field}` }));
    return refuse({ reason: 'malformed_document', faults });
  }
  const { schemaFault } = await import('../catalog/schema-fault.ts');
  const fault = schemaFault(inputSchema);
  if (fault !== undefined) {
    const { field, reason } = fault;
    return refuse({ reason: 'malformed_document', faults: [{ field: `body.${field}`, reason }] });
  }
  const known = findListed(catalogue.value, params.tool)?.hash;
  const { parsePlacements } = await import('../vault/placement.ts');
  const placed = parsePlacements(checked.value);
  const charged = await checkCard(checked.value);
  const wrong = placed.ok ? charged : placed.error;
  if (wrong.length > 0) {
    const faults = wrong.map((each) => ({ ...each, field: `body.${each.field}` }));
    return refuse({ reason: 'malformed_document', faults });
  }
  return write(request, storedTool(request.body as unknown as Json), known);
};

const checkCard = async (tool: Tool): Promise<readonly FieldFault[]> => {
  if (tool.card === undefined) return [];
  const { parseCard } = await import('../cards/card-terms.ts');
  const parsed = parseCard(tool);
  return parsed.ok ? [] : parsed.error;
};

const checkMeter = async (tool: Tool, config: Config): Promise<readonly FieldFault[]> => {
  if (tool.meteredPrice === undefined) return [];
  const { readMeter } = await import('../catalog/metered-price.ts');
  const read = readMeter(tool);
  if (!read.ok) return read.error;
  return uptoFaults([tool], config.networks, config).map(({ reason }) => ({
    field: 'price.exact',
    reason,
  }));
};

const remove: Handler<'tools.delete'> = async (request) => {
  const { context, params, now, expected } = request;
  const catalogue = await context.catalogue.fresh(now);
  if (!catalogue.ok) return catalogue;
  const known = findListed(catalogue.value, params.tool)?.hash;
  if (known === undefined && expected === undefined) return refuse({ reason: 'unknown_tool' });
  return write(request, null, known);
};

const write = async (
  {
    context,
    params,
    by,
    intent,
    expected,
    dryRun,
    now,
  }: Pick<
    AdminRequest<'tools.delete'>,
    'context' | 'params' | 'by' | 'intent' | 'expected' | 'dryRun' | 'now'
  >,
  document: Json | null,
  known: ListedTool['hash'] | undefined,
): Promise<ReplyResult> => {
  const applied = await sendCommand(context, gatewayAccount(context.config), {
    ...{ kind: 'document', type: 'tool', name: params.tool, document, by, intent },
    ...(known === undefined ? {} : { known }),
    ...(expected === undefined ? {} : { expected }),
    ...(dryRun ? { dryRun } : {}),
  });
  if (!applied.ok) return applied;
  if (dryRun) return reply({ ...outcomeBody(applied.value), dry_run: true }, applied.value.current);
  // This isolate serves the change at once.
  await context.catalogue.fresh(now);
  return reply(outcomeBody(applied.value), applied.value.current);
};

export const toolHandlers: Handlers<keyof typeof TOOL_ROUTES> = {
  'tools.list': list,
  'tools.get': get,
  'tools.put': put,
  'tools.delete': remove,
};
