import { err, type Result } from '../core/result.ts';

/** Rows on a page, at most. */
export const MAX_ROWS = 1_000;
/** Index rows that one page scans, at most: a filter that matches little returns a short page with `next`, and never times out. */
export const MAX_SCANNED = 5_000;

/** One page of a list. `next` asks for the page after it; a short or empty page with `next` is not the last. */
export type ListPage<T, Place = string> = { readonly items: readonly T[]; readonly next?: Place };

export type QueryFault =
  /** `after` is not a cursor of this list with these filters. */
  | { readonly kind: 'bad_cursor' }
  /** More rows than one query adds up: ask for fewer days. */
  | { readonly kind: 'too_wide' }
  /** One day alone has more rows than one query adds up. */
  | { readonly kind: 'day_too_full'; readonly day: string }
  | { readonly kind: 'unavailable'; readonly cause: string };

export type Queried<T> = Promise<Result<T, QueryFault>>;

export type PageRequest = { readonly after?: string | undefined; readonly limit: number };

export const boundedLimit = (limit: number): number =>
  Math.min(MAX_ROWS, Math.max(1, Math.trunc(limit) || 1));

/** Runs a query. A database that does not answer is a fault, not an exception. */
export const attempt = async <T>(query: () => Queried<T>): Queried<T> => {
  try {
    return await query();
  } catch (cause) {
    return err({ kind: 'unavailable', cause: String(cause) });
  }
};

type WithoutNulls<T> = { readonly [K in keyof T as null extends T[K] ? never : K]: T[K] } & {
  readonly [K in keyof T as null extends T[K] ? K : never]?: NonNullable<T[K]>;
};

/** The columns of a row that are not NULL. */
export const withoutNulls = <T extends object>(columns: T): WithoutNulls<T> =>
  Object.fromEntries(
    Object.entries(columns).filter(([, value]) => value !== null),
  ) as WithoutNulls<T>;
