import type { CreditTooLow } from '../account/command-fault.ts';
import type { Denial } from '../account/denial.ts';
import type { OrderFault, TreeFault } from '../account/command-fault.ts';
import type { Seconds } from '../../core/clock.ts';
import type { WireFault } from '../fault.ts';

/**
 * Everything the gateway can say instead of a tool's answer. `reason` discriminates and, in kebab case, ends the problem's
 * `type`: these names are final. Faults of x402, intents and headers are members as they are, so that no mapping can lose one.
 */
export type Reason =
  | WireFault
  | MismatchReason
  | RequestReason
  | CallReason
  | OrderReason
  | TreeReason
  | DocumentReason
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
  /** Only the problem's members: the offer adds the rest of the 402. `wants`: what the tool takes. */
  | {
      readonly reason: 'payment_required';
      readonly wants: 'payment' | 'bound_payment' | 'credit';
    }
  /** 401 with the challenge of design §4.4. `networks`: CAIP-2. */
  | {
      readonly reason: 'intent_required';
      readonly audience: string;
      readonly networks: readonly string[];
      readonly tool: string;
      /** What the server saw, in the wire form of an intent; zero or empty where nothing needs to be said. */
      readonly intent: Readonly<Record<string, string>>;
    }
  /** `fault`: the verifier's reason, e.g. `high_s`. */
  | { readonly reason: 'invalid_signature'; readonly field: string; readonly fault: string }
  | { readonly reason: 'unsupported_signature'; readonly field: string }
  /** `Agent-Retry-Key` is not the secret of the intent it came with, or came with none. */
  | { readonly reason: 'retry_key_mismatch'; readonly field: string; readonly hint: string }
  /**
   * A payment without an intent where one is needed. `version`: of x402, as the payment was sent. `because`: the tool wants it; the
   * credit is for another account than the payer's; the payment is signed as bound; or it is signed as bound in an unknown form.
   */
  | {
      readonly reason: 'binding_required';
      readonly field: string;
      readonly version: 1 | 2;
      readonly because: 'tool' | 'beneficiary' | 'marked' | 'unknown_mark';
    }
  | { readonly reason: 'in_progress'; readonly retryAfter: Seconds }
  | { readonly reason: 'conflict' }
  /** `call`: the call id, under which the payer may ask for what became of it. */
  | { readonly reason: 'already_used'; readonly call: string }
  /** The proof ended so long ago that the account is not asked about it. `call`: where the proof says it. */
  | {
      readonly reason: 'proof_too_old';
      readonly field: string;
      readonly expected: string;
      readonly got: string;
      readonly call?: string;
    }
  /** Never seen, forgotten, or somebody else's: which of them is nobody's business. */
  | { readonly reason: 'unknown_call' }
  /** `price` in atomic units. */
  | {
      readonly reason: 'denied';
      readonly denial: Denial;
      readonly tool: string;
      readonly price: bigint;
    }
  /** Nothing can be settled now, and the call needs a settlement first. It was not claimed. */
  | { readonly reason: 'settlement_unavailable'; readonly retryAfter: Seconds }
  /** Whoever may have been shown the payment, nobody knows yet what becomes of it. */
  | { readonly reason: 'settlement_unknown'; readonly retryAfter: Seconds }
  /** The chain says that the money did not come and will not. `payer`: through the payer's doing. */
  | { readonly reason: 'settlement_failed'; readonly fault: 'payer' | 'gateway' };

/** What is wrong with an order of an operator. */
export type OrderReason =
  /** Signed well, but by nobody who may give orders here. */
  | { readonly reason: 'forbidden' }
  /** The chain does not know the transaction, or it was reverted. */
  | { readonly reason: 'unknown_transaction' }
  | { readonly reason: 'transaction_not_final'; readonly retryAfter: Seconds }
  /** The transaction moved no money from the operator to the account. */
  | { readonly reason: 'no_refund' };

/** What is wrong with a grant, a revocation or another order in a tree; `field` is a path in the body. Also with asking for an account. */
export type TreeReason =
  | TreeFault
  /** This very grant is registered: `grant` is its digest. */
  | { readonly reason: 'already_registered'; readonly field: string; readonly grant: string }
  | { readonly reason: 'unknown_account' };

/** What is wrong with reading or writing something that is managed: an account's settings, a tool, a webhook, a letter. */
export type DocumentReason =
  | OrderFault
  | CreditTooLow
  /** Nothing is stored under this name, or the caller may not know of it. `what`: e.g. `webhook`. */
  | { readonly reason: 'unknown_document'; readonly what: string }
  | { readonly reason: 'unknown_tool' }
  /** Every fault of a document, each with its path in the body. */
  | {
      readonly reason: 'malformed_document';
      readonly faults: readonly { readonly field: string; readonly reason: string }[];
    };

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
    | 'upstream_redirect'
    | 'upstream_encoding'
    /** Wanted more than was reserved, or said in no known way how much. */
    | 'upstream_overcharge';
  readonly money: Money;
};

/**
 * `untouched`: nothing was charged. `credited`: the payment had moved and is credit now. `held`: it stays counted until the
 * operator resolves it, because the tool may have spent on the caller's behalf (`onSilence: keep`, law 4). `charged`: the operator
 * has resolved such a call so.
 */
export type Money = 'untouched' | 'credited' | 'held' | 'charged';
