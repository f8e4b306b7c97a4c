import type * as z from 'zod/mini';
import type { ParamName, ROUTE_TABLE, RouteId } from './routes.ts';

type EntryOf<Id extends RouteId> = (typeof ROUTE_TABLE)[Id];

/** A member of a request: left out if the route has no such part, optional if all of the part is. */
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
