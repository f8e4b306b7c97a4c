import { err, ok, type Result } from '../core/result.ts';

/**
 * Which URLs the gateway may call: those of upstreams, webhooks, RPC endpoints, facilitators and remote signers.
 *
 * SSRF (CWE-918): whoever may write such a URL could make the gateway send a request, a payment or a secret into a private network.
 * The compatibility flag `global_fetch_strictly_public` does not prevent it: the flag only sends requests for the gateway's own zone
 * through Cloudflare's front door. A Worker cannot see what a name resolves to, so a public name that resolves to a private address
 * passes this check.
 */

/** `public`: https to public host names. `local_stack`: also http and https to the gateway's own machine. */
export type EgressReach = 'public' | 'local_stack';

/** The longest URL that is accepted. */
export const MAX_URL = 2_048;

const LOWEST_PORT = 1_024;
const LONGEST_NAME = 253;

/** Names that resolve on the caller's machine or network (RFC 6761, RFC 6762, RFC 8375, RFC 7686, ICANN's reserved names). */
const INTERNAL =
  /(?:^|\.)(?:localhost|localdomain|local|internal|intranet|private|corp|home|lan|home\.arpa|onion)$/;
/** At least two labels, the last of which starts with a letter. No IPv4 or IPv6 literal and no trailing dot has this form. */
const NAME = /^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
/** An `@` in the authority, also where user and password are empty and the parser drops it. */
const USER = /^[^/]*\/*[^/?#]*@/;
const LOOPBACK = /^(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])$/;

/** Whether a URL's `hostname` is the machine that asks. */
export const isLoopbackHost = (hostname: string): boolean => LOOPBACK.test(hostname);

/**
 * Reads a URL that the gateway may call. The host is judged as the URL parser writes it: decimal, octal, hexadecimal, short,
 * full-width and percent-encoded spellings of an address are one literal there.
 *
 * @returns the URL, or why it may not be called: the end of a sentence that starts with the field's name
 */
export const readEgressUrl = (text: string, reach: EgressReach): Result<URL, string> => {
  // The parser drops control characters and reads `\` as `/`; a person who reads the URL does not.
  const url = text.length <= MAX_URL && !/[\s\\\p{Cc}]/u.test(text) ? URL.parse(text) : null;
  if (url === null || url.href.length > MAX_URL) {
    return err(`must be an absolute URL of at most ${MAX_URL} characters`);
  }
  const isLocal = reach === 'local_stack' && isLoopbackHost(url.hostname);
  if (url.protocol !== 'https:' && !(isLocal && url.protocol === 'http:')) {
    return err('must start with https://');
  }
  if (`${url.username}${url.password}` !== '' || USER.test(text)) {
    return err('must hold no user and no password');
  }
  if (text.includes('#')) return err('must have no fragment');
  if (isLocal) return ok(url);
  // No address literal at all: NAT64, 6to4, IPv4-mapped and carrier ranges reach private hosts too, and a server with a certificate
  // has a name.
  if (
    url.hostname.length > LONGEST_NAME ||
    INTERNAL.test(url.hostname) ||
    !NAME.test(url.hostname)
  ) {
    return err('must name a public host: no IP address, no name of a private network');
  }
  if (url.port !== '' && Number(url.port) < LOWEST_PORT) {
    return err(`must use port 443, or one from ${LOWEST_PORT} up`);
  }
  return ok(url);
};

/** Why a URL may not be called, as `readEgressUrl` says; undefined when it may. */
export const egressFault = (text: string, reach: EgressReach): string | undefined => {
  const read = readEgressUrl(text, reach);
  return read.ok ? undefined : read.error;
};
