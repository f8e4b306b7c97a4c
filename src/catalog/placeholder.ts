import { err, ok, type Result } from '../core/result.ts';
import type { FieldFault } from '../protocol/fault.ts';
import { pathFault } from './path.ts';

/** A placeholder is a whole segment of an upstream, such as `{id}` in `/pets/{id}/toys`. */
// Never in the place of a host: an argument would choose the server (CWE-918).
const PLACEHOLDER = /(?<=(?:^|[^/])\/)\{([A-Za-z0-9_.-]{1,64})\}(?=\/|$)/g;

/** Returns the names of the placeholders of an upstream, in their order. */
export const placeholdersOf = (upstream: string): readonly string[] =>
  upstream.includes('{') ? [...upstream.matchAll(PLACEHOLDER)].map(([, name = '']) => name) : [];

/** Replaces each placeholder of an upstream by a segment. */
export const withPlaceholders = (upstream: string, segment: (name: string) => string): string =>
  upstream.replace(PLACEHOLDER, (_, name: string) => segment(name));

const MAX_VALUE = 512;
/** Upstreams on Windows trim dots and spaces at the end of a segment, so `. .` could become a dot segment there. */
const ONLY_DOTS = /^[\s.]*$/;
/** An upstream that decodes a path twice would turn `%2e%2e` into a dot segment (CWE-174). */
const ESCAPE = /%[0-9a-f]{2}/i;

/**
 * Encodes a value as one segment of a path. A value that an upstream could read as another path is refused: the caller would reach a
 * resource that the tool does not sell (CWE-22).
 */
export const segmentOf = (value: string): Result<string, string> => {
  if (value.length > MAX_VALUE) return err(`must have at most ${MAX_VALUE} characters`);
  if (!value.isWellFormed()) return err('must be well-formed text');
  if (ONLY_DOTS.test(value)) return err('must be more than dots and spaces');
  if (ESCAPE.test(value)) return err('may not contain a percent sign with two hex digits');
  const segment = encodeURIComponent(value);
  return pathFault(`/${segment}`) === undefined
    ? ok(segment)
    : err('may not contain a slash, a backslash, a control character or a dot segment');
};

/**
 * Fills the placeholders of an upstream from the query of a request: `?id=7` for `{id}`. Removes those keys from the query, and keeps the
 * rest exactly as signed.
 *
 * @param search with its question mark, or empty.
 */
export const fillPlaceholders = (
  upstream: string,
  search: string,
): Result<{ readonly upstream: string; readonly search: string }, FieldFault> => {
  const names = placeholdersOf(upstream);
  if (names.length === 0) return ok({ upstream, search });
  const pairs = search.slice(1).split('&');
  const keyOf = (pair: string): string => [...new URLSearchParams(`&${pair}`).keys()][0] ?? '';
  const given = new URLSearchParams(search);
  const segments = new Map<string, string>();
  for (const name of names) {
    const field = `query.${name}`;
    const [value, ...more] = given.getAll(name);
    if (value === undefined) return err({ field, reason: 'is missing: it is part of the path' });
    if (more.length > 0) return err({ field, reason: 'must be sent once' });
    const segment = segmentOf(value);
    if (!segment.ok) return err({ field, reason: segment.error });
    segments.set(name, segment.value);
  }
  const rest = pairs.filter((pair) => !segments.has(keyOf(pair)));
  return ok({
    upstream: withPlaceholders(upstream, (name) => segments.get(name) ?? ''),
    search: rest.length === 0 ? '' : `?${rest.join('&')}`,
  });
};
