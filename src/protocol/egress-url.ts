import { err, ok, type Result } from '../core/result.ts';

/**
 * The rules for URLs that the gateway may call: upstreams, webhooks, RPC endpoints, facilitators and remote signers.
 *
 * SSRF (CWE-918): a person who may write such a URL could make the gateway send a request, a payment or a secret into a private
 * network. The compatibility flag `global_fetch_strictly_public` does not prevent it: the flag only sends requests for the gateway's
 * own zone through Cloudflare's front door. A Worker cannot see which address a name resolves to, so a public name that resolves to a
 * private address passes this check.
 */

/** `public`: https to public host names. `local_stack`: also http and https to the machine that runs the gateway. */
export type EgressReach = 'public' | 'local_stack';

/** The longest URL, in characters. */
export const MAX_URL = 2_048;

const LOWEST_PORT = 1_024;
const LONGEST_NAME = 253;

/** Names that resolve to the local machine or network (RFC 6761, RFC 6762, RFC 8375, RFC 7686, ICANN's reserved names). */
const INTERNAL =
  /(?:^|\.)(?:localhost|localdomain|local|internal|intranet|private|corp|home|lan|home\.arpa|onion)$/;
/** At least two labels, the last of which starts with a letter. No IPv4 or IPv6 literal and no trailing dot has this form. */
const NAME = /^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
/** An `@` in the authority, even if user and password are empty and the parser drops it. */
const USER = /^[^/]*\/*[^/?#]*@/;
const LOOPBACK = /^(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])$/;

/** Whether a URL's `hostname` is the loopback interface. */
export const isLoopbackHost = (hostname: string): boolean => LOOPBACK.test(hostname);

/**
 * Reads a URL that the gateway may call. Checks the host in the form that the URL parser writes, where decimal, octal, hexadecimal,
 * short, full-width and percent-encoded spellings of an address are one literal.
 *
 * @returns the URL, or the reason why the gateway may not call it; the reason completes a sentence that begins with the field
 */
export const readEgressUrl = (text: string, reach: EgressReach): Result<URL, string> => {
  // The parser drops control characters and reads `\` as `/`; a person who reviews the URL does not.
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
  // Address literals are rejected altogether: NAT64, 6to4, IPv4-mapped and carrier ranges also reach private hosts, and a server with
  // a certificate has a name.
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

/** The reason why the gateway may not call a URL (see `readEgressUrl`); undefined when it may. */
export const egressFault = (text: string, reach: EgressReach): string | undefined => {
  const read = readEgressUrl(text, reach);
  return read.ok ? undefined : read.error;
};
