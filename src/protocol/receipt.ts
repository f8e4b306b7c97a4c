import type { AccountId, AssetId } from './account-id.ts';
import type { Hex } from '../core/hex.ts';
import type { Seconds } from '../core/clock.ts';

/** JWS `typ` of an `Agent-Receipt`. */
export const RECEIPT_TYPE = 'agent-receipt+jwt';

/** JWS `typ` of an `X-Agent-Assertion`. */
export const ASSERTION_TYPE = 'agent-assertion+jwt';

/** An assertion is good for this long: it must reach the upstream, and be of no use to whoever reads its logs (design §4.8). */
export const ASSERTION_LIFETIME: Seconds = 60;

/** What an `Agent-Receipt` states about a finished call (design §4.8). */
export type ReceiptClaims = {
  /** The audience the agent called. */
  readonly iss: string;
  /** CAIP-10. */
  readonly agent: AccountId;
  readonly tool: string;
  readonly call: Hex;
  /** Digest of the request as the gateway saw it. */
  readonly request: Hex;
  /** How strongly the proof was tied to the request when the call was accepted. */
  readonly binding: 'none' | 'intent';
  /** At most this was charged: atomic units as a decimal string. */
  readonly charged: string;
  /** CAIP-19. */
  readonly asset: AssetId;
  /** HTTP status of the tool; 0 when it gave none. */
  readonly status: number;
  /** SHA-256 of the response body, or `streamed` where it was not read whole, or `none` without an answer. */
  readonly response: Hex | 'streamed' | 'none';
  /** Hash of the account's entry that this rests on: the way from a receipt into the audit log. */
  readonly entry: Hex;
  /** Hash of the policy that decided. */
  readonly policy: Hex;
  readonly iat: Seconds;
};

/** What an `X-Agent-Assertion` states to an upstream, so that it can refuse whoever goes around the gateway (design §4.8). */
export type AssertionClaims = {
  /** The audience the agent called. */
  readonly iss: string;
  /** Origin of the upstream: an assertion for one upstream is refused by every other. */
  readonly aud: string;
  /** CAIP-10. */
  readonly account: AccountId;
  readonly call: Hex;
  readonly tool: string;
  /** SHA-256 of the request body bytes; of no bytes for a request without body. */
  readonly digest: Hex;
  readonly binding: 'none' | 'intent';
  /** The most that this call may be charged: atomic units as a decimal string. What a tool of variable price asks for must not be above. */
  readonly max: string;
  readonly iat: Seconds;
  readonly exp: Seconds;
  /** One upstream request; an upstream that keeps it for a minute refuses repeats. */
  readonly jti: string;
};

/** Claims of a receipt. `charged` in atomic units. */
export const receiptClaims = (
  facts: Omit<ReceiptClaims, 'charged' | 'iat'> & { readonly charged: bigint },
  now: Seconds,
): ReceiptClaims => ({ ...facts, charged: facts.charged.toString(), iat: now });

/** Claims of an assertion, good for `ASSERTION_LIFETIME` from `now`. `max` in atomic units. */
export const assertionClaims = (
  facts: Omit<AssertionClaims, 'max' | 'iat' | 'exp'> & { readonly max: bigint },
  now: Seconds,
): AssertionClaims => ({
  ...facts,
  max: facts.max.toString(),
  iat: now,
  exp: now + ASSERTION_LIFETIME,
});
