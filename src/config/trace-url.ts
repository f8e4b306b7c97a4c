import { err, ok } from '../core/result.ts';
import { isLoopbackHost } from '../protocol/egress-url.ts';
import { traceLink } from '../protocol/trace-link.ts';
import type { Setting } from './json-setting.ts';

const MAX_LENGTH = 2_048;
/** The characters of a URI (RFC 3986 §2). Rejects a `%` without its digits, which would take digits of the trace, and other braces. */
const URI = /^(?:[\w.~:/?#[\]@!$&'()*+,;=-]|%[0-9a-f]{2})*$/i;

/** Reads `TRACE_URL`: the address of a trace at the operator's collector, or empty. Only browsers open it, so its host may be private. */
export const readTraceUrl = (text: string): Setting<string | undefined> => {
  if (text === '') return ok(undefined);
  if (text.length > MAX_LENGTH) return err([`must have at most ${MAX_LENGTH} characters`]);
  const parts = text.split('{trace}');
  if (parts.length !== 2) {
    return err([
      'must have {trace} exactly once, where the trace id belongs: "https://traces.example/trace/{trace}"',
    ]);
  }
  if (!parts.every((part) => URI.test(part))) {
    return err([
      'must be a URL apart from {trace}: percent-encode spaces, quotes and all other braces',
    ]);
  }
  const [low, high] = ['1', 'f'].map((digit) => URL.parse(linkOf(text, digit)));
  if (!low || !high) return err(['must be an absolute URL, like "https://traces.example/{trace}"']);
  if (low.protocol !== 'https:' && !(low.protocol === 'http:' && isLoopbackHost(low.hostname))) {
    return err(['must start with https://, or with http:// for localhost only']);
  }
  if (`${low.username}${low.password}` !== '') {
    return err(['must hold no user and no password: operators read it in the dashboard']);
  }
  return low.origin === high.origin
    ? ok(text)
    : err(['must have {trace} after the host: in the path, the query or the fragment']);
};

const linkOf = (template: string, digit: string): string =>
  traceLink(template, digit.repeat(32)) ?? '';
