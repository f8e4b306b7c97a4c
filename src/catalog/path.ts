/**
 * The canonical form of a path, which gateway and upstream read alike. The gateway rejects paths that two servers could resolve
 * differently: a signature for one resource must not reach another, and a call must not find a cheaper tool for the same one (CWE-436).
 */
const SEGMENT_TRICK = /(?:^|\/)(?:\.|%2e){1,2}(?:(?:;|%3b)[^/]*)?(?=\/|$)/i;
const BAD_ESCAPE = /%(?![0-9a-f]{2})/i;
const SEPARATOR = /%(?:2f|5c)/i;
const CONTROL = /%(?:[01][0-9a-f]|7f)/i;
// Letters, digits, `-`, `.`, `_`, `~` (RFC 3986 §2.3): `/%65nrich` is `/enrich` for every upstream, but not for a router.
const NEEDLESS_ESCAPE = /%(?:2d|2e|3[0-9]|4[1-9a-f]|5[0-9a]|5f|6[1-9a-f]|7[0-9a]|7e)/i;

/** Returns why a path is not canonical, as the end of a sentence "The URL …"; undefined if it is. */
export const pathFault = (path: string): string | undefined => {
  if (!path.startsWith('/')) return 'has no path that starts with a slash';
  if (path.includes('\\')) return 'holds a backslash';
  if (path.includes('//')) return 'holds an empty path segment (//)';
  if (SEGMENT_TRICK.test(path)) return 'holds a dot segment';
  if (BAD_ESCAPE.test(path)) return 'holds a percent sign without two hex digits';
  if (SEPARATOR.test(path)) return 'holds an encoded slash or backslash';
  if (CONTROL.test(path)) return 'holds an encoded control character';
  if (NEEDLESS_ESCAPE.test(path)) return 'encodes a character that needs no encoding';
  return isUtf8(path) ? undefined : 'encodes bytes that are not UTF-8';
};

/** Rejects overlong forms as well: `%c0%af` is a slash to a careless decoder (CWE-176). */
const isUtf8 = (path: string): boolean => {
  try {
    decodeURIComponent(path);
    return true;
  } catch {
    return false;
  }
};

/**
 * Returns a path as a lenient upstream reads it: case folded, without path parameters and trailing slashes (the defaults of Express, IIS
 * and Spring). For comparisons only.
 */
export const lenient = (path: string): string =>
  path
    .toLowerCase()
    .replace(/(?:;|%3b)[^/]*/g, '')
    .replace(/\/+$/, '');
