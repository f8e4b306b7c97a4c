import { HOP_BY_HOP } from '../catalog/forwardable.ts';
import type { Tool } from '../catalog/tool.ts';

export const ASSERTION_HEADER = 'X-Agent-Assertion';

/** Besides `accept` and `accept-*`. Content type is set from the observation: it is the one that was signed. */
const FORWARDED = new Set([
  'content-language',
  'user-agent',
  'range',
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
  'if-range',
  'traceparent',
]);

/**
 * The headers an upstream sees: an allow-list of the caller's, the tool's own, and the assertion (design §4.8). No proof, no
 * credential, nothing that claims another URL gets through, because nothing does that is not named here.
 */
export const upstreamHeaders = (
  headers: Headers,
  tool: Tool,
  contentType: string,
  assertion: string,
): Headers => {
  const named = connectionNamed(headers);
  const sent = new Headers();
  for (const [name, value] of headers) {
    const allowed =
      name === 'accept' ||
      name.startsWith('accept-') ||
      FORWARDED.has(name) ||
      tool.requestHeaders.includes(name);
    if (allowed && !named.has(name) && !HOP_BY_HOP.has(name)) sent.append(name, value);
  }
  if (contentType !== '') sent.set('Content-Type', contentType);
  // What is hashed, stored and scrubbed are the bytes themselves, and only plain ones show by their length that they are whole.
  sent.set('Accept-Encoding', 'identity');
  sent.set(ASSERTION_HEADER, assertion);
  return sent;
};

/** Names that `Connection` makes hop-by-hop (RFC 9110 section 7.6.1), lower case. */
export const connectionNamed = (headers: Headers): ReadonlySet<string> =>
  new Set((headers.get('connection') ?? '').split(',').map((name) => name.trim().toLowerCase()));
