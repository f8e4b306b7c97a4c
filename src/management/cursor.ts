import { decodeBase64Url, decodeUtf8, encodeBase64Url, utf8 } from '../crypto/bytes.ts';
import { err, ok, type Result } from '../core/result.ts';
import type { QueryFault } from './page.ts';

/** Where a page ended: the key of its last row. */
export type Place = readonly (string | number)[];

/** What a place of a list is made of, column by column. */
export type Shape = readonly ('string' | 'number')[];

const MAX_CURSOR = 1_024;

/** An opaque name for a place in a list. `list` keeps a place of one list, or of one order of it, from being read as one of another. */
export const cursorOf = (list: string, place: Place): string =>
  encodeBase64Url(utf8(JSON.stringify([list, ...place])));

/**
 * The place that a cursor names, or undefined for the beginning. A cursor comes from a stranger: it only ever becomes a bound parameter,
 * so a forged one can ask for no more than a page that its owner may see.
 */
export const readCursor = (
  list: string,
  shape: Shape,
  cursor: string | undefined,
): Result<Place | undefined, QueryFault> => {
  if (cursor === undefined) return ok(undefined);
  const place = cursor.length > MAX_CURSOR ? undefined : parsed(cursor);
  return place !== undefined && fits(place, list, shape)
    ? ok(place.slice(1) as Place)
    : err({ kind: 'bad_cursor' });
};

const parsed = (cursor: string): readonly unknown[] | undefined => {
  const bytes = decodeBase64Url(cursor);
  const text = bytes === undefined ? undefined : decodeUtf8(bytes);
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    // One place has one name: a second spelling would be a way to tell pages apart that are the same.
    return Array.isArray(value) && JSON.stringify(value) === text ? value : undefined;
  } catch {
    return undefined;
  }
};

const fits = (place: readonly unknown[], list: string, shape: Shape): boolean =>
  place[0] === list &&
  place.length === shape.length + 1 &&
  shape.every((type, at) => {
    const value = place[at + 1];
    return type === 'number' ? Number.isSafeInteger(value) : typeof value === 'string';
  });
