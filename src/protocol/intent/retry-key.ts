import type { Hex } from '../../core/hex.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { WireFault } from '../fault.ts';
import { decodeBase64Url, encodeBase64Url, sha256Hex, utf8 } from '../../crypto/bytes.ts';

/**
 * Carries the secret that an intent's nonce commits to. The name ends in `-Key` because Cloudflare redacts such request headers in
 * its logs.
 */
export const RETRY_KEY_HEADER = 'Agent-Retry-Key';

/** 32 random bytes of the client. They unlock the stored answer of the call: never log, store or forward them. */
export type RetrySecret = Uint8Array;

const SECRET_BYTES = 32;
/** Length of 32 bytes in base64url. */
const HEADER_LENGTH = 43;
const PREFIX = utf8('countersign-retry/1\n');

/** The nonce that commits an intent to a secret: SHA-256(`countersign-retry/1\n` ‖ secret). Safe to log. */
export const commitmentOf = (secret: RetrySecret): Hex => {
  const committed = new Uint8Array(PREFIX.length + secret.length);
  committed.set(PREFIX);
  committed.set(secret, PREFIX.length);
  return sha256Hex(committed);
};

export const newRetrySecret = (): RetrySecret =>
  crypto.getRandomValues(new Uint8Array(SECRET_BYTES));

/** Writes the header `Agent-Retry-Key`. */
export const encodeRetryKey = (secret: RetrySecret): string => encodeBase64Url(secret);

/** Reads the header `Agent-Retry-Key`: canonical base64url of 32 bytes, sent once. No fault contains the value. */
export const parseRetryKey = (header: string): Result<RetrySecret, WireFault> => {
  const refuse = (reason: WireFault['reason'], hint: string) =>
    err<WireFault>({ reason, field: RETRY_KEY_HEADER, hint });
  // The runtime joins repeated headers with a comma (RFC 9110 §5.3).
  if (header.includes(',')) return refuse('duplicate_header', 'must be sent exactly once');
  const secret = header.length === HEADER_LENGTH ? decodeBase64Url(header) : undefined;
  return secret === undefined
    ? refuse('malformed_header', 'must be 32 bytes as 43 characters of base64url without padding')
    : ok(secret);
};
