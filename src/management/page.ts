import { ArchiveUnavailable } from '../audit/archive/archive-unavailable.ts';
import { err, ok, type Result } from '../core/result.ts';
import { decodeBase64Url, decodeUtf8, encodeBase64Url, utf8 } from '../crypto/bytes.ts';

/** Rows on a page, at most. */
export const MAX_ROWS = 1_000;
/** Index rows that one page scans, at most: a filter that matches little returns a short page with `next`, and never times out. */
export const MAX_SCANNED = 5_000;

/** One page of a list. `next` asks for the page after it; a short or empty page with `next` is not the last. */
export type ListPage<T, Place = string> = {
  readonly items: readonly T[];
  readonly next?: Place;
  /** The page was read from R2, because D1 has forgotten what is on it. */
  readonly archived?: true;
};

export type QueryFault =
  /** `after` is not a cursor of this list with these filters. */
  | { readonly kind: 'bad_cursor' }
  /** More rows than one query adds up: ask for fewer days. */
  | { readonly kind: 'too_wide' }
  /** One day alone has more rows than one query adds up. */
  | { readonly kind: 'day_too_full'; readonly day: string }
  | { readonly kind: 'unavailable'; readonly cause: string }
  /** R2 does not answer. Only older pages need it. */
  | { readonly kind: 'archive_unavailable'; readonly cause: string };

export type Queried<T> = Promise<Result<T, QueryFault>>;

export type PageRequest = { readonly after?: string | undefined; readonly limit: number };

export const boundedLimit = (limit: number): number =>
  Math.min(MAX_ROWS, Math.max(1, Math.trunc(limit) || 1));

/** Runs a query. A database that does not answer is a fault, not an exception. */
export const attempt = async <T>(query: () => Queried<T>): Queried<T> => {
  try {
    return await query();
  } catch (cause) {
    const kind = cause instanceof ArchiveUnavailable ? 'archive_unavailable' : 'unavailable';
    return err({ kind, cause: String(cause) });
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

/** The key of the last row of a page. */
export type CursorPlace = readonly (string | number)[];

/** The types of a row key's columns. */
export type Shape = readonly ('string' | 'number')[];

const MAX_CURSOR = 1_024;

/** Encodes a row key as an opaque cursor. `list` names the list and its order, so that no other list accepts the cursor. */
export const cursorOf = (list: string, place: CursorPlace): string =>
  encodeBase64Url(utf8(JSON.stringify([list, ...place])));

/**
 * Decodes a cursor; undefined is the beginning of the list. Callers choose the text of a cursor, so its values are only ever bound as
 * parameters (CWE-89): a forged one selects another page of the same list.
 */
export const readCursor = (
  list: string,
  shape: Shape,
  cursor: string | undefined,
): Result<CursorPlace | undefined, QueryFault> => {
  if (cursor === undefined) return ok(undefined);
  const place = cursor.length > MAX_CURSOR ? undefined : parse(cursor);
  return place !== undefined && fits(place, list, shape)
    ? ok(place.slice(1) as CursorPlace)
    : err({ kind: 'bad_cursor' });
};

const parse = (cursor: string): readonly unknown[] | undefined => {
  const bytes = decodeBase64Url(cursor);
  const text = bytes === undefined ? undefined : decodeUtf8(bytes);
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    // A row key has exactly one encoding: a second spelling would make one page look like two.
    return Array.isArray(value) && JSON.stringify(value) === text ? value : undefined;
  } catch {
    return undefined;
  }
};

const fits = (place: readonly unknown[], list: string, shape: Shape): boolean =>
  place[0] === list &&
  place.length === shape.length + 1 &&
  shape.every((type, index) => {
    const value = place[index + 1];
    return type === 'number' ? Number.isSafeInteger(value) : typeof value === 'string';
  });
