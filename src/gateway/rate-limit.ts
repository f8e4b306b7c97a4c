import type { Seconds } from '../core/clock.ts';
import type { AccountId } from '../protocol/account-id.ts';
import type { Reason } from '../protocol/problem/reason.ts';

/** How long a client over the limit should wait. */
const PAUSE: Seconds = 10;

export const TOO_MANY: Reason = { reason: 'too_many_requests', retryAfter: PAUSE };

/** The uses that the limiter counts separately for a verified payer, so that a flood of replays does not use up the payer's look-ups. */
export type PayerUse = 'facts' | 'repeat';

/** True if the rate limiter admits one more request under a key. Approximate, never a budget. */
export type RateLimit = (key: string) => Promise<boolean>;

/** Whether the limiter admits a request; if not, whose limit is used up. */
export type RateLimitVerdict = 'yes' | 'client_full' | 'payer_full';

/**
 * Counts a request before the gateway does something expensive for it: first its client, so that one client cannot use up the payer's
 * limit, then the payer, so that many clients cannot either.
 *
 * @param payer only if its signature was verified: anyone can name a payer.
 */
export const passesRateLimit = async (
  { rateLimit }: { readonly rateLimit: RateLimit },
  client: string,
  use: PayerUse,
  payer: AccountId | undefined,
): Promise<RateLimitVerdict> => {
  if (!(await rateLimit(client))) return 'client_full';
  return payer === undefined || (await rateLimit(payerKey(use, payer))) ? 'yes' : 'payer_full';
};

/** Returns the rate limiter's key of a verified payer. */
export const payerKey = (use: PayerUse, account: AccountId): string => `${use} ${account}`;

/**
 * The network of 2a06:98c0:3600::103, which Cloudflare puts in `CF-Connecting-IP` for every Worker of another zone
 * (developers.cloudflare.com/workers/reference/http-headers).
 */
const WORKERS = '2a06:98c0:3600:0';
/** The maximum length of a domain name (RFC 1035 §2.3.4). */
const MAX_ZONE = 253;

/**
 * Returns the rate limiter's key of a client: the address that Cloudflare saw, which no client can forge. Workers of other zones share one
 * address, so their key adds the zone from `CF-Worker`, which Cloudflare sets. From any other address a client could set that header to a
 * new zone each time, so it is ignored.
 */
export const clientOf = (headers: Headers): string => {
  const network = networkOf(headers.get('CF-Connecting-IP') ?? 'unknown');
  const zone = network === WORKERS ? headers.get('CF-Worker') : null;
  return zone === null ? network : `${network} ${zone.slice(0, MAX_ZONE).toLowerCase()}`;
};

/** Returns the network part of an IPv6 address, because one client has 2^64 addresses; other addresses unchanged. */
const networkOf = (address: string): string => {
  if (!address.includes(':')) return address;
  // `::` abbreviates zeros. Without expanding it, the fourth group would be one that the client chooses.
  const [front = '', back] = address.split('::');
  const head = front === '' ? [] : front.split(':');
  const tail = back === undefined || back === '' ? [] : back.split(':');
  const zeros = back === undefined ? 0 : Math.max(0, 8 - head.length - tail.length);
  return [...head, ...Array<string>(zeros).fill('0'), ...tail].slice(0, 4).join(':');
};
