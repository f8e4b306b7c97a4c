import type * as z from 'zod/mini';
import type { ParamName, ROUTE_TABLE, RouteId } from './routes.ts';

type EntryOf<Id extends RouteId> = (typeof ROUTE_TABLE)[Id];

/** A member that is there only where there is something to say; optional where all of it is. */
type Part<Name extends string, T> = [T] extends [never]
  ? unknown
  : Record<never, never> extends T
    ? { readonly [K in Name]?: T }
    : { readonly [K in Name]: T };

type Schema<Id extends RouteId, Name extends 'query' | 'body'> =
  EntryOf<Id> extends Record<Name, infer S extends z.ZodMiniType> ? S : never;

/** What a caller writes into a query: text, and numbers as numbers. */
type Asked<In, Out> = {
  [K in keyof In]: K extends keyof Out
    ? Exclude<Out[K], undefined> extends number
      ? number
      : In[K]
    : never;
};

type QueryOf<S extends z.ZodMiniType> = [S] extends [never]
  ? never
  : Asked<z.input<S>, z.output<S>>;
type BodyOf<S extends z.ZodMiniType> = [S] extends [never] ? never : z.input<S>;

/** A caller's request for a route. */
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
        /** Only where nothing is there yet. */
        readonly ifNoneMatch?: '*';
      }
    : unknown) &
  (EntryOf<Id> extends { readonly dryRun: true } ? { readonly dryRun?: boolean } : unknown);

/** The JSON that a route answers with; of the feed, the data of each event. */
export type AnswerOf<Id extends RouteId> = z.output<EntryOf<Id>['answer']>;

/** Routes that answer with pages, and what is on them. */
export type ListId = {
  [Id in RouteId]: AnswerOf<Id> extends { readonly items: readonly unknown[] } ? Id : never;
}[RouteId];
export type ItemOf<Id extends ListId> =
  AnswerOf<Id> extends { readonly items: readonly (infer Item)[] } ? Item : never;
