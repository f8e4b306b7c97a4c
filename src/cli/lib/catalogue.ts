import type { AnswerOf, ItemOf } from '../../management/routes.ts';
import type { ToolDocument } from '../../management/tool.route.ts';
import type { EgressReach } from '../../protocol/egress-url.ts';
import { type AdminClient, collected, warnIfStopped } from './admin-client.ts';
import { isLoopback } from './local-stack.ts';

/** A tool of a gateway, as management lists it. */
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

/** Which upstreams the tools of a gateway may call. The gateway decides by its configuration; this guess only improves the error. */
export const reachOf = (gateway: string): EgressReach =>
  isLoopback(gateway) ? 'local_stack' : 'public';

/** The price, or the maximum of a variable price; `by use` if a meter computes the charge. */
export const priceText = ({ price }: Pick<ToolDocument, 'price'>): string =>
  typeof price === 'string' ? price : `≤ ${price.max}${price.meter === undefined ? '' : ' by use'}`;
