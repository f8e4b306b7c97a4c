/** A token of RFC 9110 §5.6.2, lower case. */
const TOKEN = /^[a-z0-9!#$%&'*+.^_`|~-]{1,64}$/;

/** Hop-by-hop headers (RFC 9110 §7.6.1). */
export const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-authentication-info',
  'proxy-connection',
  'te',
  'trailer',
  'trailers',
  'transfer-encoding',
  'upgrade',
]);

/** Credentials, framing, routing, and headers of proxies. */
const RESERVED = new Set([
  'authorization',
  'content-encoding',
  'content-length',
  'cookie',
  'cookie2',
  'expect',
  'forwarded',
  'host',
  'origin',
  'sign-in-with-x',
  'signature',
  'signature-input',
  'true-client-ip',
  'via',
  'x-http-method-override',
  'x-original-url',
  'x-real-ip',
  'x-rewrite-url',
]);

/**
 * Families of headers that carry proofs, that the gateway sends itself, or that its edge sets. If a caller could send them, they could be
 * forged; and payment signatures must never reach an upstream (law 9).
 */
const RESERVED_FAMILY =
  /^(?:payment-|x-payment|agent-|x-agent-|proxy-|cf-|cdn-loop|x-forwarded-|x-method-override|sec-)/;

/** True if the gateway may forward a caller's header because its tool asks for it. `name` in lower case. */
export const isForwardable = (name: string): boolean =>
  TOKEN.test(name) &&
  !HOP_BY_HOP.has(name) &&
  !RESERVED.has(name) &&
  name !== 'accept-encoding' &&
  !RESERVED_FAMILY.test(name);
