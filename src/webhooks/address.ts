/** The longest URL that is taken. */
export const MAX_URL = 2_048;

const LOWEST_PORT = 1_024;

/** Names that resolve on the machine or the network of whoever asks (RFC 6761, RFC 6762, RFC 8375, ICANN's reserved ones). */
const INTERNAL =
  /(?:^|\.)(?:localhost|localdomain|local|internal|intranet|private|corp|home|lan|home\.arpa|onion)$/;
const NAME = /^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const LOOPBACK = /^(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])$/;

/** Why a URL is no place for messages, as the end of a sentence that starts with its field. */
export type AddressFault = { readonly reason: string };

const no = (reason: string): AddressFault => ({ reason });

/**
 * Reads the URL of an endpoint in the one form that a parser gives it, so that what was checked is what is asked. `local`: a
 * gateway on a developer's machine, which may also ask that machine. What a name resolves to is the runtime's to refuse
 * (`global_fetch_strictly_public`); here go the names and literals that say so themselves.
 */
export const readAddress = (text: string, local: boolean): URL | AddressFault => {
  const url = text.length <= MAX_URL ? URL.parse(text) : null;
  if (url === null || url.href.length > MAX_URL) {
    return no(`must be an absolute URL of at most ${MAX_URL} characters`);
  }
  if (url.username !== '' || url.password !== '') return no('must hold no user and no password');
  if (url.hash !== '' || text.includes('#')) return no('must have no fragment');
  const loopback = LOOPBACK.test(url.hostname);
  if (local && loopback && (url.protocol === 'http:' || url.protocol === 'https:')) return url;

  if (url.protocol !== 'https:') return no('must start with https://');
  // No address literal at all: the parser turns decimal, octal, hex and IPv4-mapped spellings into one, and NAT64, 6to4 and
  // carrier ranges reach private hosts as well. A receiver with a certificate has a name.
  if (loopback || INTERNAL.test(url.hostname) || !NAME.test(url.hostname)) {
    return no('must name a public host: no IP address, no name of a private network');
  }
  if (url.port !== '' && Number(url.port) < LOWEST_PORT) {
    return no(`must use port 443, or one from ${LOWEST_PORT} up`);
  }
  return url;
};

/** Whether this gateway runs on a developer's machine. Everything but the one word means no. */
export const isWebhookLocal = (env: { readonly WEBHOOK_LOCAL?: string }): boolean =>
  env.WEBHOOK_LOCAL === 'true';
