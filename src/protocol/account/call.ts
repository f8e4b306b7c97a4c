import type { Seconds } from '../../core/clock.ts';
import type { Hex } from '../../core/hex.ts';
import type { AccountId, AssetId } from '../account-id.ts';
import type { Usage } from '../meter/meter.ts';
import type { ChargeBasis } from '../meter/metered-charge.ts';
import type { Payment, PaymentState, SettlementOutcome } from '../payment.ts';
import type { ScreeningEvidence } from './screening.ts';
import type { Binding, SettlementMode, ToolTerms } from '../tool-terms.ts';

/** A verified call. The account trusts the Worker's checks of form and signature, and nothing else. */
export type Call = {
  readonly account: AccountId;
  /** The intent digest, or the EIP-3009 nonce of a payment without an intent. */
  readonly id: Hex;
  /** SHA-256 over method, target, content type, payload digest, tool and audience. A repeat with another digest is a conflict. */
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
  /** Until when the proof may execute. `execute: false` marks an expired proof, which may only look its call up. */
  readonly validBefore: Seconds;
  readonly execute: boolean;
  /** The proof names a former payee: it may repeat a call, but start none. */
  readonly former?: true;
  /** Absent for an unpaid intent. */
  readonly payment?: Payment;
  /** The audience in the digest `request`; one of the gateway's origins. */
  readonly audience?: string;
  /** The intent and its signature, stored as evidence. */
  readonly intent?: { readonly fields: Record<string, string>; readonly signature?: Hex };
  /** The caller presented the secret that the intent's nonce commits to. The secret itself never reaches an object. */
  readonly showsSecret?: boolean;
  /** `identifierDigest` of the x402 `payment-identifier`, which only client and gateway know. Absent for a bound payment. */
  readonly identifier?: Hex;
  /** The block at which the account's own contract accepted the signature (ERC-1271). */
  readonly contractCheckedAt?: number;
  /** `POST /credits`: the account that gets the settled money as credit: the payer's own, or another one on its chain. */
  readonly topUp?: { readonly to: AccountId };
  /** The grant that the intent names; absent if it names none. */
  readonly authority?: Hex;
  /** The tool's declared parameters as the gateway read them. */
  readonly params?: Readonly<Record<string, Param>>;
  /** The terms of the tool; in full if the log of the gateway's account may lack them. Absent for the gateway's own tools. */
  readonly terms?: { readonly hash: Hex; readonly document?: ToolTerms };
  /** The hash of the default policy that the log of the gateway's account has. */
  readonly loggedPolicy?: Hex;
  /** `Dry-Run: ?1`: only decide; reserve, write and count nothing. */
  readonly dryRun?: boolean;
  /** The trace of the attempt, 32 hex digits. The call's record keeps it for look-ups; no entry contains it. */
  readonly trace?: string;
};

/** The source of the money of a call: its own payment, credit, a card of the operator, or nothing. */
export type PaidFrom = 'payment' | 'credit' | 'card' | 'none';

/** A declared parameter of a call, as the gateway read it. `params` has no entry for an undeclared one. */
export type Param =
  | { readonly found: true; readonly value: string }
  /** Declared, but absent from the request, repeated, too long, or neither text, number nor boolean. */
  | { readonly found: false };

/** Evidence for a reserve. */
export type Evidence = {
  readonly facts?: PayerFacts;
  /** No node answered for the payer, so this request brings no facts. */
  readonly isChainSilent?: true;
  /** The outcome of an upfront payment, as the Worker read it from the chain. */
  readonly settlement?: SettlementOutcome;
  /** Grants whose issuers' contracts just confirmed or rejected their signatures. */
  readonly grants?: readonly GrantCheck[];
  /** No payment can be settled now, as far as this isolate knows. It does not affect a call that is already reserved. */
  readonly outage?: { readonly retryAfter: Seconds };
  /** The Worker has searched for the grant that the call names, and has made the account take it if it was offered. */
  readonly soughtGrant?: boolean;
  /** Absent: the operator screens nobody. */
  readonly screening?: ScreeningEvidence;
};

/** The facts about a payer from the chain, from one JSON-RPC batch. */
export type PayerFacts = {
  readonly hasCode: boolean;
  /** Atomic units of `asset`. */
  readonly balance: bigint;
  readonly asset: AssetId;
  readonly block: number;
  /** Whether the nonce of this call's payment is used or cancelled. */
  readonly nonceUsed: boolean;
  /** What Permit2 may transfer, in atomic units of `asset`. Only for a permit. */
  readonly allowance?: bigint;
  /** When the Worker read the chain. */
  readonly at: Seconds;
};

/** Whether an issuer's contract still accepts its signature. */
export type GrantCheck = { readonly hash: Hex; readonly valid: boolean; readonly at: Seconds };

/** A grant's signature that only its issuer's contract can verify. */
export type GrantProof = {
  readonly hash: Hex;
  readonly issuer: Hex;
  readonly signature: Hex;
};

/** How a dispatched call ended. */
export type Outcome = {
  readonly success: boolean;
  /** HTTP status of the upstream; 0 without an answer. */
  readonly status: number;
  /** SHA-256 of the body, or of what was passed on of it; `none` without an answer. */
  readonly digest: Hex | 'none';
  readonly reason:
    | 'answered'
    | 'upstream_status'
    | 'timeout'
    | 'dropped'
    | 'truncated'
    | 'redirect'
    | 'usage'
    | 'refused';
  readonly answer?: StoredAnswer;
  /**
   * The charge of a tool of variable price, atomic units: at most the reserved price. Without `metered` it counts only if credit, a card or
   * a permit after the tool pays, because all other payments transfer exactly the signed value. Absent: the reserved price.
   */
  readonly amount?: bigint;
  /** What a metered call has used: the reason for `amount`. */
  readonly metered?: MeteredUsage;
};

/** The usage that decided the charge of a metered call. A verifier computes the charge again from it. */
export type MeteredUsage = {
  readonly basis: ChargeBasis;
  readonly usage: Usage;
  /** `ratesHash` of the rate list of the call, which is in the terms of the tool. */
  readonly rates: Hex;
};

/** An answer stored for repeats: at most 64 KiB of body, base64. */
export type StoredAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
};

/** The answer of an ended call, as its log entry states it. */
export type EndedAnswer = {
  readonly status: number;
  readonly digest: Hex;
  /** Set if the answer broke off. */
  readonly end?: 'truncated' | 'timeout';
  readonly basis?: ChargeBasis;
  readonly usage?: Usage;
};

/** A payer's question about one of its calls. It reads, never writes. */
export type LookUp = {
  readonly account: AccountId;
  readonly call: Hex;
};

/** The state of a call. Amounts in atomic units. */
export type CallStatus = {
  readonly call: Hex;
  readonly tool: string;
  /** `requestDigest` of the call's first request. */
  readonly request: Hex;
  readonly binding: Binding;
  /** The audience in the digest `request`. */
  readonly audience?: string;
  readonly state: CallState;
  readonly asset: AssetId;
  readonly price: bigint;
  readonly charged: bigint;
  /** The part of the charge that operators gave back. Absent: nothing. */
  readonly refunded?: bigint;
  readonly paidFrom: PaidFrom;
  readonly payment: PaymentState;
  readonly transaction?: Hex;
  readonly acceptedAt: Seconds;
  readonly entry: Hex;
  readonly policy: Hex;
  readonly answer?: StoredAnswer;
  /** How its tool answered. Absent while it runs, and for a call that ended without an answer. */
  readonly ended?: EndedAnswer;
  /** Absent for a call that never waited for a person. */
  readonly approval?: ApprovalStatus;
  /** The trace in which the call was accepted, 32 hex digits. Absent if that attempt was not traced. */
  readonly trace?: string;
};

/** How a person decided on a call. `approved` calls wait for a repeat of their caller until `until`, `used` ones have run. */
export type ApprovalStatus = {
  readonly state: 'waiting' | 'approved' | 'refused' | 'expired' | 'used';
  readonly until: Seconds;
};

/** `parked` → `held` | `released`; `held` → `committed` | `released` | `abandoned`. */
export type CallState = 'parked' | 'held' | 'committed' | 'released' | 'abandoned';
