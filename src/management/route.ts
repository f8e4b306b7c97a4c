import type * as z from 'zod/mini';

/**
 * A role that may use a route about an account. `operator`: an operator of this gateway. `above`: an ancestor whose grant the account,
 * or the account's delegating parent, consented to. `self`: the account. `sovereign`: the account, if it has no parent.
 */
export type AdminRole = 'operator' | 'above' | 'self' | 'sovereign';

export const OPERATOR: readonly AdminRole[] = ['operator'];
export const READERS: readonly AdminRole[] = ['operator', 'above', 'self'];
export const WRITERS: readonly AdminRole[] = ['above', 'sovereign'];

/** Limits of bodies, in bytes. */
export const SMALL_BODY = 4_096;
export const DOCUMENT_BODY = 16_384;
/** A tool with a JSON Schema, even if it is indented. */
export const TOOL_BODY = 131_072;
export const POLICY_BODY = 32_768;

export type Method = 'GET' | 'PUT' | 'POST' | 'DELETE';

/** A route of the management API, as `x.route.ts` declares it. No I/O: the router, the client and the OpenAPI document read it. */
export type RouteEntry = {
  /** With `:name` for each parameter. */
  readonly path: `${Method} /${string}`;
  readonly roles: readonly AdminRole[];
  readonly query?: z.ZodMiniType;
  readonly body?: z.ZodMiniType;
  /** The longest body, in bytes. */
  readonly maxBody?: number;
  /** How deep the JSON of the body may nest; 16 levels if absent. */
  readonly maxDepth?: number;
  /** `etag`: the route reads If-Match and If-None-Match, and requires one of them to replace a document. */
  readonly precondition?: 'etag';
  /** `Dry-Run: ?1` answers what would change, and changes nothing. */
  readonly dryRun?: true;
  /** The route moves money: for an address with code, only its contract can authorise the command, not its key. */
  readonly movesMoney?: true;
  readonly summary: string;
  /** The body with status 200; of a stream, the data of each event. */
  readonly answer: z.ZodMiniType;
  /** Values of the query's `format`. Absent: JSON only. */
  readonly formats?: readonly ('json' | 'ndjson' | 'csv')[];
  /** The answer is a stream of server-sent events. */
  readonly stream?: true;
  /** The answer is one document, with its ETag. */
  readonly etag?: true;
  /** The answer depends only on the stored log and the UTC day: it has a weak ETag, and a reader that has this version gets 304. */
  readonly readsLog?: true;
};

/** The routes of a noun, by route id. */
export type RouteTable = Readonly<Record<string, RouteEntry>>;
