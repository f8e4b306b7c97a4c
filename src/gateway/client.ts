import type { AccountId } from '../protocol/account-id.ts';

/**
 * The network of 2a06:98c0:3600::103, which Cloudflare puts in `CF-Connecting-IP` for every Worker of another zone
 * (developers.cloudflare.com/workers/reference/http-headers).
 */
const WORKERS = '2a06:98c0:3600:0';
/** As long as a domain name may be (RFC 1035 §2.3.4). */
const MAX_ZONE = 253;

/**
 * The client that the rate limiter counts: the address that Cloudflare saw, which no client can forge. Workers of other zones share one
 * address, so there the zone in `CF-Worker`, which Cloudflare sets on requests of Workers, tells them apart. With any other address that
 * header may come from the client, who could name a new zone each time: it is ignored.
 */
export const clientOf = (headers: Headers): string => {
  const network = networkOf(headers.get('CF-Connecting-IP') ?? 'unknown');
  const zone = network === WORKERS ? headers.get('CF-Worker') : null;
  return zone === null ? network : `${network} ${zone.slice(0, MAX_ZONE).toLowerCase()}`;
};

/** Of an IPv6 address the network part, because one client has 2^64 of the rest. */
const networkOf = (address: string): string => {
  if (!address.includes(':')) return address;
  // `::` hides zeros: without them written out, the fourth group would be one that the client chooses.
  const [front = '', back] = address.split('::');
  const head = front === '' ? [] : front.split(':');
  const tail = back === undefined || back === '' ? [] : back.split(':');
  const zeros = back === undefined ? 0 : Math.max(0, 8 - head.length - tail.length);
  return [...head, ...Array<string>(zeros).fill('0'), ...tail].slice(0, 4).join(':');
};

/** What a payer is counted for, once its signature was verified. Apart, so that a flood of replays leaves it its look-ups. */
export type PayerUse = 'facts' | 'repeat';

/** The payer as the rate limiter counts it. Only for verified signatures: anybody can name a payer. */
export const payerKey = (use: PayerUse, account: AccountId): string => `${use} ${account}`;
