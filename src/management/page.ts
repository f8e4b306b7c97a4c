import { err, type Result } from '../core/result.ts';

/** Rows that a page shows, at most. */
export const MAX_PAGE = 1_000;
/** Index rows that a page looks at, at most: a filter that finds little answers short, with `next`, and never late. */
export const MAX_SCANNED = 5_000;

/** A piece of a list. `next` asks for the piece after it; a short or empty page with `next` is not the end. */
export type Page<T, Place = string> = { readonly items: readonly T[]; readonly next?: Place };

export type QueryFault =
  /** `after` is not a place that this list, with these filters, has named. */
  | { readonly kind: 'bad_cursor' }
  /** More than can be added up at once: ask for fewer days. */
  | { readonly kind: 'too_wide' }
  /** More in one day than can be added up at once. */
  | { readonly kind: 'day_too_full'; readonly day: string }
  | { readonly kind: 'unavailable'; readonly cause: string };

export type Queried<T> = Promise<Result<T, QueryFault>>;

/** What a list is asked for, besides its filters. */
export type Asked = { readonly after?: string | undefined; readonly limit: number };

export const boundedLimit = (limit: number): number =>
  Math.min(MAX_PAGE, Math.max(1, Math.trunc(limit) || 1));

/** Asks the database; that it is away is an answer, too. */
export const attempt = async <T>(ask: () => Queried<T>): Queried<T> => {
  try {
    return await ask();
  } catch (cause) {
    return err({ kind: 'unavailable', cause: String(cause) });
  }
};
