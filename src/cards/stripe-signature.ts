import { hexToBytes } from '@noble/hashes/utils.js';
import type { Seconds } from '../core/clock.ts';
import { utf8 } from '../crypto/bytes.ts';

/**
 * How far the time of a signature may be from the Worker's clock, so that a captured event soon becomes useless. Stripe's own libraries use
 * the same limit.
 */
export const TOLERANCE: Seconds = 300;

const MAX_HEADER = 1_024;

/**
 * Verifies the header `Stripe-Signature` of an event: `t=<seconds>,v1=<hex>[,v1=<hex>]`, HMAC-SHA-256 with the endpoint's secret over
 * `<t>.<body>` (docs.stripe.com/webhooks#verify-manually). While a secret is rolled, an event has a signature of each.
 *
 * @param body exactly as received: the signature of JSON that was parsed and written again differs
 */
export const verifyStripeSignature = async (
  header: string | null,
  body: string,
  secret: string,
  now: Seconds,
): Promise<boolean> => {
  const read = readHeader(header);
  if (read === undefined || Math.abs(now - read.at) > TOLERANCE) return false;
  const key = await crypto.subtle.importKey(
    'raw',
    new Uint8Array(utf8(secret)),
    { name: 'HMAC', hash: 'SHA-256' },
    false,
    ['verify'],
  );
  const signed = new Uint8Array(utf8(`${read.text}.${body}`));
  // `verify` compares in constant time (CWE-208).
  const verified = await Promise.all(
    read.signatures.map((each) => crypto.subtle.verify('HMAC', key, each, signed)),
  );
  return verified.includes(true);
};

type Read = {
  readonly at: Seconds;
  /** The time as signed. */
  readonly text: string;
  readonly signatures: readonly Uint8Array<ArrayBuffer>[];
};

const readHeader = (header: string | null): Read | undefined => {
  if (header === null || header.length > MAX_HEADER) return undefined;
  const parts = header.split(',').map((part) => part.trim());
  const times = parts.filter((part) => part.startsWith('t='));
  const text = times[0]?.slice(2) ?? '';
  if (times.length !== 1 || !/^[1-9]\d{0,11}$/.test(text)) return undefined;
  // Other schemes (`v0`) are for tests of Stripe: accepting them would let anyone choose the weaker one.
  const signatures = parts
    .filter((part) => /^v1=[0-9a-f]{64}$/.test(part))
    .map((part) => new Uint8Array(hexToBytes(part.slice(3))));
  return signatures.length === 0 ? undefined : { at: Number(text), text, signatures };
};
