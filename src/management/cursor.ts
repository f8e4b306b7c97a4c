import { decodeBase64Url, decodeUtf8, encodeBase64Url, utf8 } from '../crypto/bytes.ts';
import { err, ok, type Result } from '../core/result.ts';
import type { QueryFault } from './page.ts';

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
