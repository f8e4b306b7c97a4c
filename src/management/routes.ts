import { ACCOUNT_ROUTES } from './account.route.ts';
import { APPROVAL_ROUTES } from './approval.route.ts';
import { BACKEND_ROUTES } from './backend.route.ts';
import { CALL_ROUTES } from './call.route.ts';
import { CHARGE_CHANGE_ROUTES } from './charge-change.route.ts';
import { CREDIT_ROUTES } from './credit.route.ts';
import { DEAD_LETTER_ROUTES } from './dead-letter.route.ts';
import { ENTRY_ROUTES } from './entry.route.ts';
import { account, deadLetterId, hash, secretName, toolId, webhookId } from './fields.ts';
import { LEDGER_ROUTES } from './ledger.route.ts';
import { LOG_ROUTES } from './log.route.ts';
import { MOVING_ROUTES } from './moving.route.ts';
import { OUTAGE_ROUTES } from './outage.route.ts';
import { OVERVIEW_ROUTES } from './overview.route.ts';
import { POLICY_ROUTES } from './policy.route.ts';
import { QUEUE_ROUTES } from './queue.route.ts';
import { REBUILD_ROUTES } from './rebuild.route.ts';
import { RECONCILIATION_ROUTES } from './reconciliation.route.ts';
import { RELAYER_ROUTES } from './relayer.route.ts';
import type { Method, RouteEntry, RouteTable } from './route.ts';
import { SECRET_ROUTES } from './secret.route.ts';
import { SETTINGS_ROUTES } from './settings.route.ts';
import { SETTLEMENT_ROUTES } from './settlement.route.ts';
import { SPEND_ROUTES } from './spend.route.ts';
import { TOOL_ROUTES } from './tool.route.ts';
import { WEBHOOK_ROUTES } from './webhook.route.ts';
import type * as z from 'zod/mini';

/** Every route of the management API, by route id. Drives the router, authorisation, the client, the OpenAPI document and the tests. */
export const ROUTE_TABLE = {
  ...ACCOUNT_ROUTES,
  ...POLICY_ROUTES,
  ...CREDIT_ROUTES,
  ...TOOL_ROUTES,
  ...SECRET_ROUTES,
  ...SETTLEMENT_ROUTES,
  ...RECONCILIATION_ROUTES,
  ...DEAD_LETTER_ROUTES,
  ...BACKEND_ROUTES,
  ...RELAYER_ROUTES,
  ...OUTAGE_ROUTES,
  ...LEDGER_ROUTES,
  ...OVERVIEW_ROUTES,
  ...SPEND_ROUTES,
  ...CALL_ROUTES,
  ...CHARGE_CHANGE_ROUTES,
  ...APPROVAL_ROUTES,
  ...ENTRY_ROUTES,
  ...LOG_ROUTES,
  ...REBUILD_ROUTES,
  ...WEBHOOK_ROUTES,
  ...QUEUE_ROUTES,
  ...MOVING_ROUTES,
  ...SETTINGS_ROUTES,
} as const satisfies RouteTable;

export type RouteId = keyof typeof ROUTE_TABLE;

/** A route with its id and the segments of its path. */
export type AdminRoute = Omit<RouteEntry, 'path'> & {
  readonly id: RouteId;
  readonly method: Method;
  readonly path: string;
  /** Whether the route is a command: its intent is valid once, and the log keeps it as evidence. */
  readonly write: boolean;
  readonly maxBody: number;
};

type NamesIn<Path extends string> = Path extends `${string}:${infer Name}/${infer Rest}`
  ? Name | NamesIn<Rest>
  : Path extends `${string}:${infer Name}`
    ? Name
    : never;

/** The parameters in the path of a route. */
export type ParamName<Id extends RouteId = RouteId> = Id extends RouteId
  ? NamesIn<(typeof ROUTE_TABLE)[Id]['path']>
  : never;

/** The schema of each parameter, by its name in a path. */
export const PARAMS = {
  account,
  call: hash,
  tool: toolId,
  webhook: webhookId,
  secret: secretName,
  letter: deadLetterId,
  text: hash,
} as const satisfies Record<ParamName, z.ZodMiniType>;

const routeOf = (id: RouteId): AdminRoute => {
  const entry: RouteTable[string] = ROUTE_TABLE[id];
  const [method, path = ''] = entry.path.split(' ');
  return { maxBody: 0, ...entry, id, method: method as Method, path, write: method !== 'GET' };
};

export const ROUTES: readonly AdminRoute[] = (Object.keys(ROUTE_TABLE) as readonly RouteId[]).map(
  routeOf,
);

type EntryOf<Id extends RouteId> = (typeof ROUTE_TABLE)[Id];

/** A member of a request: omitted if the route has no such part, optional if everything in the part is optional. */
type Part<Name extends string, T> = [T] extends [never]
  ? unknown
  : Record<never, never> extends T
    ? { readonly [K in Name]?: T }
    : { readonly [K in Name]: T };

type Schema<Id extends RouteId, Name extends 'query' | 'body'> =
  EntryOf<Id> extends Record<Name, infer S extends z.ZodMiniType> ? S : never;

/** A query as a caller writes it: numbers as numbers, everything else as text. */
type QueryInput<In, Out> = {
  [K in keyof In]: K extends keyof Out
    ? Exclude<Out[K], undefined> extends number
      ? number
      : In[K]
    : never;
};

type QueryOf<S extends z.ZodMiniType> = [S] extends [never]
  ? never
  : QueryInput<z.input<S>, z.output<S>>;
type BodyOf<S extends z.ZodMiniType> = [S] extends [never] ? never : z.input<S>;

/** The request for a route, as a client passes it. */
export type RequestOf<Id extends RouteId> = Part<
  'params',
  [ParamName<Id>] extends [never] ? never : { readonly [K in ParamName<Id>]: string }
> &
  Part<'query', QueryOf<Schema<Id, 'query'>>> &
  ([BodyOf<Schema<Id, 'body'>>] extends [never]
    ? unknown
    : { readonly body: BodyOf<Schema<Id, 'body'>> }) &
  (EntryOf<Id> extends { readonly precondition: 'etag' }
    ? {
        /** A hash, with or without quotes, or `*`. */
        readonly ifMatch?: string;
        /** The command applies only if no document exists yet. */
        readonly ifNoneMatch?: '*';
      }
    : unknown) &
  (EntryOf<Id> extends { readonly dryRun: true } ? { readonly dryRun?: boolean } : unknown);

/** The JSON answer of a route; of a stream, the data of each event. */
export type AnswerOf<Id extends RouteId> = z.output<EntryOf<Id>['answer']>;

/** Routes that answer pages, and the items of those. */
export type ListId = {
  [Id in RouteId]: AnswerOf<Id> extends { readonly items: readonly unknown[] } ? Id : never;
}[RouteId];
export type ItemOf<Id extends ListId> =
  AnswerOf<Id> extends { readonly items: readonly (infer Item)[] } ? Item : never;
