import type { Json } from '../protocol/entry.ts';
import { checkPut, findStored, listTools } from '../catalog/catalogue.ts';
import type { StoredTool } from '../catalog/stored-tool.ts';
import { gatewayAccount } from '../config.ts';
import type { AdminRequest, Handler } from './handler.ts';
import type { AnswerOf } from './types.ts';
import { give, orderedBody } from './command.ts';
import { present, queryReason, refuse, reply, type Replied, replyPage } from './reply.ts';

type Item = AnswerOf<'tools.list'>['items'][number];

const itemOf = ({ id, hash, source, disabled, fault, document }: StoredTool): Item => ({
  ...{ id, etag: hash, source, disabled, tool: document as unknown as Item['tool'] },
  ...present({ fault }),
});

/** All tools by id: served, disabled, and at fault. Its cursor is the id after which to go on. */
export const list: Handler<'tools.list'> = async ({ context, query, request, now }) => {
  const catalogue = await context.catalogue.fresh(now);
  if (!catalogue.ok) return catalogue;
  const after = query.after === undefined ? '' : idOf(query.after);
  if (after === undefined) return refuse(queryReason({ kind: 'bad_cursor' }));
  const rest = listTools(catalogue.value).filter(({ id }) => id > after);
  const items = rest.slice(0, query.limit).map(itemOf);
  const last = items.at(-1)?.id;
  const next = rest.length > items.length && last !== undefined ? cursorOf(last) : undefined;
  return replyPage(request, { items, next });
};

/** An id may hold dots, which a cursor does not. */
const cursorOf = (id: string): string => btoa(id).replace(/=+$/, '');

const idOf = (cursor: string): string | undefined => {
  try {
    return atob(cursor);
  } catch {
    return undefined;
  }
};

export const get: Handler<'tools.get'> = async ({ context, params, now }) => {
  const catalogue = await context.catalogue.fresh(now);
  if (!catalogue.ok) return catalogue;
  const stored = findStored(catalogue.value, params.tool);
  return stored === undefined
    ? refuse({ reason: 'unknown_tool' })
    : reply(stored.document, stored.hash);
};

/** Puts a tool beside the others; every isolate serves it within 5 s. */
export const put: Handler<'tools.put'> = async (asked) => {
  const { context, params, now } = asked;
  const catalogue = await context.catalogue.fresh(now);
  if (!catalogue.ok) return catalogue;
  const checked = checkPut(catalogue.value, params.tool, asked.body);
  if (!checked.ok) {
    const faults = checked.error.map(({ field, reason }) => ({
      field: field === '' ? 'body' : `body.${field}`,
      reason,
    }));
    return refuse({ reason: 'malformed_document', faults });
  }
  const known = findStored(catalogue.value, params.tool)?.hash;
  return write(asked, asked.body as unknown as Json, known);
};

export const remove: Handler<'tools.delete'> = async (asked) => {
  const { context, params, now, expected } = asked;
  const catalogue = await context.catalogue.fresh(now);
  if (!catalogue.ok) return catalogue;
  const known = findStored(catalogue.value, params.tool)?.hash;
  if (known === undefined && expected === undefined) return refuse({ reason: 'unknown_tool' });
  return write(asked, null, known);
};

const write = async (
  {
    context,
    params,
    by,
    order,
    expected,
    now,
  }: Pick<AdminRequest<'tools.delete'>, 'context' | 'params' | 'by' | 'order' | 'expected' | 'now'>,
  document: Json | null,
  known: StoredTool['hash'] | undefined,
): Promise<Replied> => {
  const done = await give(context, gatewayAccount(context.config), {
    ...{ kind: 'document', type: 'tool', name: params.tool, document, by, order },
    ...(known === undefined ? {} : { known }),
    ...(expected === undefined ? {} : { expected }),
  });
  if (!done.ok) return done;
  // This isolate sells by the change at once.
  await context.catalogue.fresh(now);
  return reply(orderedBody(done.value), done.value.current);
};
