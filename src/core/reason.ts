import type { Denial } from '../../durable-objects/agent-account/contract.ts';
import type { Seconds } from './clock.ts';
import type { WireFault } from './wire-fault.ts';

/**
 * Everything the gateway can say instead of a tool's answer. `reason` discriminates and, in kebab case, ends the problem's
 * `type`: these names are final. Faults of x402, intents and headers are members as they are, so that no mapping can lose one.
 */
export type Reason =
  | WireFault
  | MismatchReason
  | RequestReason
  | CallReason
  | TroubleReason
  | UpstreamReason;

/** A signed field that is not what it must be. 400, never 402: a client that signs again on 402 would pay twice (law 5). */
export type MismatchReason = {
  readonly reason:
    | 'requirement_mismatch'
    | 'intent_mismatch'
    | 'recipient_mismatch'
    | 'value_mismatch'
    | 'zero_payer'
    | 'empty_window'
    | 'window_too_long'
    | 'valid_too_long'
    | 'not_yet_valid'
    | 'expired';
  readonly field: string;
  readonly expected: string;
  readonly got: string;
};

/** The request is wrong before any proof of it is looked at. */
export type RequestReason =
  | { readonly reason: 'not_found' }
  /** `allow`: upper-case methods of the tools at this path. */
  | { readonly reason: 'method_not_allowed'; readonly allow: readonly string[] }
  | { readonly reason: 'malformed_request'; readonly field: string; readonly hint: string }
  | { readonly reason: 'not_canonical'; readonly hint: string }
  | { readonly reason: 'target_too_long'; readonly limit: number }
  | { readonly reason: 'body_too_large'; readonly limit: number }
  | { readonly reason: 'body_incomplete' }
  | { readonly reason: 'content_encoding' }
  /** Payment and intent, or both versions of a payment, in one request. */
  | { readonly reason: 'too_many_proofs'; readonly fields: readonly string[] };

/** What became of a proof that was understood. */
export type CallReason =
  /** Only the problem's members: the offer adds the rest of the 402. */
  | { readonly reason: 'payment_required' }
  /** 401 with the challenge of design §4.4. `networks`: CAIP-2. */
  | {
      readonly reason: 'intent_required';
      readonly audience: string;
      readonly networks: readonly string[];
    }
  /** `fault`: the verifier's reason, e.g. `high_s`. */
  | { readonly reason: 'invalid_signature'; readonly field: string; readonly fault: string }
  | { readonly reason: 'unsupported_signature'; readonly field: string }
  /** The tool takes only payments that are bound to their request. */
  | { readonly reason: 'binding_required'; readonly field: string }
  | { readonly reason: 'in_progress'; readonly retryAfter: Seconds }
  | { readonly reason: 'conflict' }
  | { readonly reason: 'already_used' }
  /** `price` in atomic units. */
  | {
      readonly reason: 'denied';
      readonly denial: Denial;
      readonly tool: string;
      readonly price: bigint;
    }
  /** The payment was presented and nobody knows yet what became of it. */
  | { readonly reason: 'settlement_unknown'; readonly retryAfter: Seconds }
  /** The chain says that the money did not come and will not. `payer`: through the payer's doing. */
  | { readonly reason: 'settlement_failed'; readonly fault: 'payer' | 'gateway' };

/** The gateway itself cannot serve now. */
export type TroubleReason =
  | { readonly reason: 'too_many_requests'; readonly retryAfter: Seconds }
  | { readonly reason: 'paused' }
  | { readonly reason: 'payer_unreachable' }
  | { readonly reason: 'storage_unavailable' }
  | {
      readonly reason: 'misconfigured';
      readonly faults: readonly { readonly name: string; readonly reason: string }[];
    }
  | { readonly reason: 'internal' };

/** The tool gave no answer that could be passed on. `money` says what that means for the caller. */
export type UpstreamReason = {
  readonly reason:
    | 'upstream_timeout'
    | 'upstream_dropped'
    | 'upstream_truncated'
    | 'upstream_payment'
    | 'upstream_encoding';
  readonly money: Money;
};

/**
 * `untouched`: nothing was charged. `credited`: the payment had moved and is credit now. `held`: it stays counted until the
 * operator resolves it, because the tool may have spent on the caller's behalf (`onSilence: keep`, law 4).
 */
export type Money = 'untouched' | 'credited' | 'held';
