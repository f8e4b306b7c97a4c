/**
 * What the Worker and an AgentAccount say to each other (design §5). Arguments only ever gain optional fields,
 * because during a deploy the Worker and the object may be of neighbouring releases. Results are tagged unions, never exceptions.
 */
import type { AccountId, AssetId, Hex } from '../../src/core/account-id.ts';
import type { Seconds } from '../../src/core/clock.ts';
import type { LimitState } from '../../src/policy/evaluate.ts';
import type {
  Payment,
  PaymentState,
  SettlementOutcome,
  SettlementResult,
} from '../../src/settlement/payment.ts';

export type { LimitState };

/** How strongly a proof is tied to its request: `none` (vanilla x402, pinned at first use) or `intent` (signed). */
export type Binding = 'none' | 'intent';

/** How a tool is paid (design §6). */
export type SettlementMode = 'deferred' | 'upfront' | 'credit' | 'free';

/** One verified call, as the gateway saw it. The object trusts the Worker's checks of form and signature, and nothing else. */
export type Call = {
  readonly account: AccountId;
  /** The intent digest, or the EIP-3009 nonce where there is no intent (design §4.6). */
  readonly call: Hex;
  /** SHA-256 over method, target, content type, payload digest, tool and audience. A repeat with another one is a conflict. */
  readonly request: Hex;
  readonly tool: string;
  readonly proof: 'x402' | 'intent';
  readonly binding: Binding;
  readonly settlement: SettlementMode;
  readonly onSilence: 'release' | 'keep';
  readonly timeoutSeconds: Seconds;
  readonly asset: AssetId;
  readonly payTo: string;
  /** Atomic units. */
  readonly price: bigint;
  /** From when until when the proof may execute; `execute: false` marks an expired one that may only look up. */
  readonly validBefore: Seconds;
  readonly execute: boolean;
  /** Absent for an unpaid intent. */
  readonly payment?: Payment;
  /** The intent and its signature, kept as evidence. */
  readonly intent?: { readonly fields: Record<string, string>; readonly signature?: Hex };
  /** SHA-256 of the x402 `payment-identifier`, which never left client and gateway (design §4.6). */
  readonly identifier?: Hex;
  /** The signature was checked by the account's own contract (ERC-1271) at this block. */
  readonly contractCheckedAt?: number;
};

/** What the chain said of a payer, in one JSON-RPC batch (design §5, "Payer facts"). */
export type PayerFacts = {
  readonly hasCode: boolean;
  /** Atomic units of `asset`. */
  readonly balance: bigint;
  readonly asset: AssetId;
  readonly block: number;
  /** `authorizationState(payer, nonce)` of this call's nonce. */
  readonly nonceUsed: boolean;
  /** When the Worker asked. */
  readonly at: Seconds;
};

/** Evidence that comes with a reserve. */
export type Evidence = {
  readonly facts?: PayerFacts;
  /** What became of an upfront payment, as the Worker read it from the chain. */
  readonly settlement?: SettlementOutcome;
};

export type DenialRule =
  | 'paused'
  | 'tool'
  | 'payee'
  | 'asset'
  | 'per_call'
  | 'window'
  | 'exposure'
  | 'balance'
  | 'rate'
  | 'debt'
  | 'credit'
  | 'nonce_used'
  | 'penniless'
  | 'binding'
  | 'validity';

export type Denial = {
  readonly rule: DenialRule;
  readonly account: AccountId;
  readonly limit?: LimitState;
  readonly retryAllowed: boolean;
  readonly retryAfter?: Seconds;
  readonly policy: Hex;
};

/** An answer kept for repeats: at most 64 KiB of body, base64. */
export type StoredAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

export type Accepted = {
  /** Hash of the `call.accepted` entry. */
  readonly entry: Hex;
  readonly policy: Hex;
  readonly charged: bigint;
  readonly paidFrom: 'payment' | 'credit' | 'none';
  readonly limits: readonly LimitState[];
};

export type ReserveVerdict =
  /** Run the tool now. Given once per call, and again only to the same attempt. */
  | ({ readonly verdict: 'go' } & Accepted)
  /** Settle the payment first, then reserve again with `evidence.settlement`. `sinceBlock` bounds the search for its log. */
  | ({ readonly verdict: 'settle'; readonly sinceBlock: number } & Accepted)
  /** This call has ended; its answer again, to a holder of its secret only. */
  | {
      readonly verdict: 'stored';
      readonly answer: StoredAnswer;
      readonly charged: bigint;
      readonly paidFrom: 'payment' | 'credit' | 'none';
      readonly payment: PaymentState;
      readonly transaction?: Hex;
      readonly entry: Hex;
      readonly policy: Hex;
    }
  | { readonly verdict: 'in_progress'; readonly retryAfter: Seconds }
  /** The same proof was first used for another request. */
  | { readonly verdict: 'conflict' }
  | { readonly verdict: 'already_used' }
  /** An expired proof that never ran: it may look up, never execute. */
  | { readonly verdict: 'expired' }
  /** Fresher facts are needed; nothing was written. Ask the chain once and reserve again. */
  | { readonly verdict: 'stale_payer' }
  | { readonly verdict: 'denied'; readonly denial: Denial }
  /** Storage failed: nothing is known to be written, nothing may run. */
  | { readonly verdict: 'unavailable' };

/** `held` → `committed` | `released` | `abandoned`. */
export type CallState = 'held' | 'committed' | 'released' | 'abandoned';

/** How a dispatched call ended. */
export type Outcome = {
  readonly success: boolean;
  /** HTTP status the upstream answered, 0 when it did not. */
  readonly status: number;
  /** SHA-256 of the body, or `streamed` for answers finished at their headers. */
  readonly digest: Hex | 'streamed' | 'none';
  readonly reason: 'answered' | 'upstream_status' | 'timeout' | 'dropped' | 'truncated' | 'refused';
  readonly answer?: StoredAnswer;
};

export type FinishVerdict =
  | {
      readonly verdict: 'finished';
      readonly state: CallState;
      readonly charged: bigint;
      readonly paidFrom: 'payment' | 'credit' | 'none';
      readonly payment: PaymentState;
      /** True when the amount stays reserved until somebody resolves it (law 4). */
      readonly kept?: boolean;
      readonly transaction?: Hex;
      readonly entry: Hex;
      readonly policy: Hex;
      readonly limits: readonly LimitState[];
    }
  /** The hold had ended before: recorded, charges nothing. */
  | {
      readonly verdict: 'late';
      readonly state: CallState;
      readonly payment: PaymentState;
      readonly charged: bigint;
      readonly kept?: boolean;
      readonly entry: Hex;
    }
  | { readonly verdict: 'unknown_call' }
  | { readonly verdict: 'unavailable' };

export type Acknowledged = { readonly verdict: 'ok' } | { readonly verdict: 'unavailable' };

/** Methods an AgentAccount answers over RPC. */
export type AgentAccountRpc = {
  reserve(call: Call, attempt: Hex, evidence: Evidence): Promise<ReserveVerdict>;
  finish(call: Hex, attempt: Hex, outcome: Outcome): Promise<FinishVerdict>;
  settled(results: readonly SettlementResult[]): Promise<Acknowledged>;
  exported(seq: number): Promise<Acknowledged>;
};
