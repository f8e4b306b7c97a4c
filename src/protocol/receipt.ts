import type { AccountId, AssetId } from './account-id.ts';
import type { Hex } from '../core/hex.ts';
import type { Seconds } from '../core/clock.ts';
import type { ChargeBasis } from './meter/metered-charge.ts';
import type { Usage } from './meter/meter.ts';

/** JWS `typ` of an `Agent-Receipt`. */
export const RECEIPT_TYPE = 'agent-receipt+jwt';

/** JWS `typ` of an `X-Agent-Assertion`. */
export const ASSERTION_TYPE = 'agent-assertion+jwt';

/** Validity of an assertion: long enough to reach the upstream, too short to be reused from its logs. */
export const ASSERTION_LIFETIME: Seconds = 60;

/** `truncated` and `timeout`: the upstream broke off, or was silent or took too long. */
export type StreamEnd = 'complete' | 'maximum' | 'truncated' | 'timeout';

/** The claims of an `Agent-Receipt`: the gateway's statement about a finished call (docs/wire-format.md §13). */
export type ReceiptClaims = {
  /** The audience the agent called. */
  readonly iss: string;
  /** CAIP-10. */
  readonly agent: AccountId;
  readonly tool: string;
  readonly call: Hex;
  /** `requestDigest` of the request. */
  readonly request: Hex;
  /** Whether an intent bound the proof to the request when the account accepted the call. */
  readonly binding: 'none' | 'intent';
  /** The most that the call was charged: atomic units as a decimal string. */
  readonly charged: string;
  /** The part of the charge that operators have refunded so far: atomic units as a decimal string. Only in the receipt of a look-up. */
  readonly refunded?: string;
  /** CAIP-19. */
  readonly asset: AssetId;
  /** HTTP status of the tool; 0 when the tool gave no answer. */
  readonly status: number;
  /** SHA-256 of the response body, or of what was passed on of it; `none` without an answer. */
  readonly response: Hex | 'none';
  /**
   * How a stream ended: `maximum` if the call pays for no more of it. Of other answers only those of metered tools that did not end by
   * themselves have it.
   */
  readonly end?: StreamEnd;
  /** What a metered call has used, by unit. */
  readonly usage?: Usage;
  /** What decided the charge of a metered call. */
  readonly basis?: ChargeBasis;
  /** Hash of the account's entry that records the outcome: it links the receipt to the audit log. */
  readonly entry: Hex;
  /** Hash of the policy that decided the call. */
  readonly policy: Hex;
  readonly iat: Seconds;
};

/** The claims of an `X-Agent-Assertion`: an upstream can require it, to reject requests that bypass the gateway. */
export type AssertionClaims = {
  /** The audience the agent called. */
  readonly iss: string;
  /** Origin of the upstream. Any other upstream rejects the assertion. */
  readonly aud: string;
  /** CAIP-10. */
  readonly account: AccountId;
  readonly call: Hex;
  readonly tool: string;
  /** SHA-256 of the request body; of zero bytes for a request without one. */
  readonly digest: Hex;
  readonly binding: 'none' | 'intent';
  /** The most that a tool of variable price may charge for this call: atomic units as a decimal string. */
  readonly max: string;
  readonly iat: Seconds;
  readonly exp: Seconds;
  /** Unique to one upstream request. An upstream that remembers it for 60 s can reject repeats. */
  readonly jti: string;
};

/** Builds the claims of an assertion, valid for `ASSERTION_LIFETIME` from `now`. `max` in atomic units. */
export const assertionClaims = (
  facts: Omit<AssertionClaims, 'max' | 'iat' | 'exp'> & { readonly max: bigint },
  now: Seconds,
): AssertionClaims => ({
  ...facts,
  max: facts.max.toString(),
  iat: now,
  exp: now + ASSERTION_LIFETIME,
});
