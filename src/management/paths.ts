/**
 * Every route of the management API: method and path by its id. An intent for a route names the tool `countersign.admin.<id>`.
 * Holds texts only, so that a client can carry it.
 */
export const PATHS = {
  'accounts.list': 'GET /admin/accounts',
  'accounts.put': 'PUT /admin/accounts/:account',
  'accounts.policy.get': 'GET /admin/accounts/:account/policy',
  'accounts.policy.put': 'PUT /admin/accounts/:account/policy',
  'accounts.policy.delete': 'DELETE /admin/accounts/:account/policy',
  'accounts.status': 'PUT /admin/accounts/:account/status',
  'credits.adjust': 'POST /admin/accounts/:account/credit',
  'credits.refund': 'POST /admin/credits/refunds',
  'tools.list': 'GET /admin/tools',
  'tools.get': 'GET /admin/tools/:tool',
  'tools.put': 'PUT /admin/tools/:tool',
  'tools.delete': 'DELETE /admin/tools/:tool',
  'settlements.list': 'GET /admin/settlements',
  'settlements.get': 'GET /admin/settlements/:account/:call',
  'settlements.redrive': 'POST /admin/settlements/:account/:call/redrive',
  'settlements.writeoff': 'POST /admin/settlements/:account/:call/write-off',
  'settlements.resolve': 'POST /admin/settlements/:account/:call/resolve',
  'reconciliations.list': 'GET /admin/reconciliations',
  'differences.list': 'GET /admin/differences',
  'deadletters.list': 'GET /admin/dead-letters',
  'deadletters.redrive': 'POST /admin/dead-letters/:letter/redrive',
  backends: 'GET /admin/backends',
  relayers: 'GET /admin/relayers',
  books: 'GET /admin/books',
  spend: 'GET /admin/spend',
  'calls.list': 'GET /admin/calls',
  'webhooks.list': 'GET /admin/webhooks',
  'webhooks.get': 'GET /admin/webhooks/:webhook',
  'webhooks.put': 'PUT /admin/webhooks/:webhook',
  'webhooks.delete': 'DELETE /admin/webhooks/:webhook',
  'webhooks.deliveries': 'GET /admin/webhooks/:webhook/deliveries',
  'webhooks.test': 'POST /admin/webhooks/:webhook/test',
  queues: 'GET /admin/queues',
  'account.get': 'GET /accounts/:account',
  'account.put': 'PUT /accounts/:account',
  'account.policy.get': 'GET /accounts/:account/policy',
  'account.policy.put': 'PUT /accounts/:account/policy',
  'account.policy.delete': 'DELETE /accounts/:account/policy',
  'account.status': 'PUT /accounts/:account/status',
  'account.default': 'PUT /accounts/:account/default-grant',
  'account.tree': 'GET /accounts/:account/tree',
  'account.spend': 'GET /accounts/:account/spend',
  'account.calls': 'GET /accounts/:account/calls',
  'account.call': 'GET /accounts/:account/calls/:call',
  'account.entries': 'GET /accounts/:account/entries',
  'account.events': 'GET /accounts/:account/events',
  'account.webhooks.list': 'GET /accounts/:account/webhooks',
  'account.webhooks.get': 'GET /accounts/:account/webhooks/:webhook',
  'account.webhooks.put': 'PUT /accounts/:account/webhooks/:webhook',
  'account.webhooks.delete': 'DELETE /accounts/:account/webhooks/:webhook',
  'account.webhooks.deliveries': 'GET /accounts/:account/webhooks/:webhook/deliveries',
  'account.webhooks.test': 'POST /accounts/:account/webhooks/:webhook/test',
} as const;

export type RouteId = keyof typeof PATHS;
type PathOf<Id extends RouteId> = (typeof PATHS)[Id];

export type Method = PathOf<RouteId> extends `${infer M} ${string}` ? M : never;

/** The names after a colon in a path. */
type NamesIn<P extends string> = P extends `${string}:${infer Name}/${infer Rest}`
  ? Name | NamesIn<Rest>
  : P extends `${string}:${infer Name}`
    ? Name
    : never;

export type ParamName<Id extends RouteId = RouteId> = Id extends RouteId
  ? NamesIn<PathOf<Id>>
  : never;

const TOOL_PREFIX = 'countersign.admin.';

/** What an intent for a route names as its tool. */
export const toolIdOf = (id: RouteId): string => TOOL_PREFIX + id;

/** Method and path of a route, taken apart. */
export const placeOf = (id: RouteId): { readonly method: Method; readonly path: string } => {
  const [method = '', path = ''] = PATHS[id].split(' ');
  return { method: method as Method, path };
};
