/**
 * What the Worker and an AgentAccount say to each other (design §5). Arguments only ever gain optional fields,
 * because during a deploy the Worker and the object may be of neighbouring releases. Results are tagged unions, never exceptions.
 */
import type { AccountId, AssetId } from '../account-id.ts';
import type { Hex } from '../../core/hex.ts';
import type { Seconds } from '../../core/clock.ts';
import type { LimitState } from '../limit.ts';
import type { Payment, PaymentState, SettlementOutcome, SettlementResult } from '../payment.ts';
import type {
  By,
  ChangedDocuments,
  ChargedCommand,
  Children,
  CommandCharge,
  DocumentType,
  Governed,
  Happened,
  KeptDocument,
  Kin,
  LeaseRequest,
  LeaseVerdict,
  OrderedBy,
  OrderFault,
  Recall,
  Returned,
  Slices,
  Standing,
  TreeOrder,
} from './tree-contract.ts';

/** How strongly a proof is tied to its request: `none` (vanilla x402, pinned at first use) or `intent` (signed). */
export type Binding = 'none' | 'intent';

/** How a tool is paid (design §6). */
export type SettlementMode = 'deferred' | 'upfront' | 'credit' | 'free';

/** A declared parameter of a call, as the gateway read it. Absent from `params`: the tool does not declare it. */
export type Param =
  | { readonly found: true; readonly value: string }
  /** Declared, but not in this request; or there twice, too long, or of no simple type. */
  | { readonly found: false };

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
  /** The audience that `request` was digested with; one of the gateway's origins. */
  readonly audience?: string;
  /** The intent and its signature, kept as evidence. */
  readonly intent?: { readonly fields: Record<string, string>; readonly signature?: Hex };
  /** The caller showed the secret that the intent's nonce commits to. The secret itself never reaches an object. */
  readonly showsSecret?: boolean;
  /** `identifierDigest` of the x402 `payment-identifier`, which only client and gateway know. Absent for a bound payment. */
  readonly identifier?: Hex;
  /** The signature was checked by the account's own contract (ERC-1271) at this block. */
  readonly contractCheckedAt?: number;
  /** `POST /credits`: what settles becomes credit of this account, the payer's own or another one of its chain (design §4.4). */
  readonly topUp?: { readonly to: AccountId };
  /** The grant that the intent names (design §4.5); absent where it names none. */
  readonly authority?: Hex;
  /** The tool's declared parameters as the gateway read them; absent where the release of the Worker knows none. */
  readonly params?: Readonly<Record<string, Param>>;
  /** `Dry-Run: ?1`: what would happen is asked; nothing is claimed, written or counted. */
  readonly dryRun?: boolean;
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
  /** Grants whose contract issuers were asked again just now, and stand by them (design §4.5). */
  readonly grants?: readonly GrantCheck[];
  /** Nothing can be settled now, as far as this isolate knows, nor before so many seconds: it decides nothing about a call that was claimed. */
  readonly outage?: { readonly retryAfter: Seconds };
  /** The Worker has looked for the grant that the call names, and had the account take it where it was offered. */
  readonly soughtGrant?: boolean;
};

/** What a contract issuer said of its own signature, when it was asked again. */
export type GrantCheck = { readonly hash: Hex; readonly valid: boolean; readonly at: Seconds };

/** A signature that only its issuer's contract can vouch for. */
export type GrantProof = {
  readonly hash: Hex;
  readonly issuer: Hex;
  readonly signature: Hex;
};

/** The rule of a policy that refuses a call. */
export type PolicyRule =
  | 'frozen'
  | 'paused'
  | 'revoked'
  | 'expired'
  | 'not_yet'
  | 'deny'
  | 'tool'
  | 'payee'
  | 'asset'
  | 'require'
  | 'binding'
  | 'validity'
  | 'per_call'
  | 'window'
  | 'lifetime'
  | 'rate'
  | 'repeat';

export type DenialRule =
  | PolicyRule
  | 'exposure'
  | 'balance'
  | 'debt'
  /** A payment of the account could not be presented through its payer's doing, and is still open. */
  | 'suspended'
  | 'credit'
  | 'nonce_used'
  | 'penniless'
  /** The call names no grant that this account holds, or one for elsewhere. */
  | 'authority'
  /** An account above did not answer, so nobody knows what is left. */
  | 'unreachable'
  /** Too many denied calls and dry runs, or too many failed calls whose payments could still move (pace.ts). */
  | 'denial_rate'
  | 'failure_rate';

export type Denial = {
  readonly rule: DenialRule;
  /** Whose rule it is: the caller's own account, or one above it. */
  readonly account: AccountId;
  readonly limit?: LimitState;
  /** The declared parameter that a rule is about. */
  readonly param?: string;
  /** The grant that refuses. */
  readonly grant?: Hex;
  /** The grant of this account that the call stood on; absent for an account that stands for itself. */
  readonly authority?: Hex;
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
  /** Of a top-up: whose credit its money becomes. An object of a release that knows no top-ups does not say so. */
  readonly creditTo?: AccountId;
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
      /** How the call was bound when it was accepted, whatever this repeat shows. */
      readonly binding?: Binding;
      readonly entry: Hex;
      readonly policy: Hex;
      /** Atomic units that were reserved for it. */
      readonly price?: bigint;
      readonly call?: Hex;
    }
  /** `call`, here and above: the call that this is about, where a payment-identifier led to another one than the proof's. */
  | { readonly verdict: 'in_progress'; readonly retryAfter: Seconds; readonly call?: Hex }
  /** The same proof, or payment-identifier, was first used for another request. */
  | { readonly verdict: 'conflict'; readonly call?: Hex }
  | { readonly verdict: 'already_used'; readonly call?: Hex }
  /** An expired proof that never ran: it may look up, never execute. */
  | { readonly verdict: 'expired' }
  /** Fresher facts are needed; nothing was written. Ask the chain once and reserve again. */
  | { readonly verdict: 'stale_payer' }
  /** Contract issuers of the call's grants must be asked again; nothing was written. */
  | { readonly verdict: 'stale_grant'; readonly proofs: readonly GrantProof[] }
  /** The call names a grant that the account has not taken: by naming it, its holder consents. Nothing was written. */
  | { readonly verdict: 'unknown_grant' }
  /** What would have happened: nothing has. `settle`: the payment would move before the tool runs. */
  | {
      readonly verdict: 'dry_run';
      readonly decision: 'go' | 'settle';
      readonly policy: Hex;
      readonly paidFrom: 'payment' | 'credit' | 'none';
      readonly limits: readonly LimitState[];
    }
  | { readonly verdict: 'denied'; readonly denial: Denial }
  /** Its payment would have to be settled before the tool runs, or others of the account's first, and none is. Nothing was claimed. */
  | { readonly verdict: 'settlement_unavailable'; readonly retryAfter: Seconds }
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
  readonly reason:
    | 'answered'
    | 'upstream_status'
    | 'timeout'
    | 'dropped'
    | 'truncated'
    | 'redirect'
    | 'refused';
  readonly answer?: StoredAnswer;
  /**
   * What a tool of variable price charges for this call, atomic units: at most the reserved price, and counted only where credit
   * pays, because an EIP-3009 value is exact (design §2.4 of x402 facts). Absent: the reserved price.
   */
  readonly amount?: bigint;
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

/** A question about one call by its payer: reads, never writes (design §4.6). */
export type LookUp = {
  readonly account: AccountId;
  readonly call: Hex;
  /** What the chain said just now, when the account has asked for it. */
  readonly facts?: PayerFacts;
  /** The question's signature was checked by the account's own contract (ERC-1271) at this block. */
  readonly contractCheckedAt?: number;
};

/** What is known of a call. Amounts in atomic units. */
export type CallStatus = {
  readonly call: Hex;
  readonly tool: string;
  /** `requestDigest` of the request it was first used for. */
  readonly request: Hex;
  readonly binding: Binding;
  /** The audience that `request` was digested with. */
  readonly audience?: string;
  readonly state: CallState;
  readonly asset: AssetId;
  readonly price: bigint;
  readonly charged: bigint;
  readonly paidFrom: 'payment' | 'credit' | 'none';
  readonly payment: PaymentState;
  readonly transaction?: Hex;
  readonly acceptedAt: Seconds;
  readonly entry: Hex;
  readonly policy: Hex;
  readonly answer?: StoredAnswer;
};

export type LookUpVerdict =
  | { readonly verdict: 'found'; readonly status: CallStatus }
  /** Never seen, or forgotten. */
  | { readonly verdict: 'unknown_call' }
  /** The account must be asked for its code first (design §4.7). */
  | { readonly verdict: 'stale_payer' }
  /** The account has code, and its key's signature does not count. */
  | { readonly verdict: 'contract_only' }
  | { readonly verdict: 'unavailable' };

/** An order to an account that is no call. Idempotent, each by what it carries. */
export type Order =
  /**
   * Credit that another account has paid for. `total` is all that `from` ever sent here in this asset: it only grows, so a
   * message that comes twice, late or out of order changes nothing (design §5, as leases do).
   */
  | {
      readonly kind: 'credit';
      readonly from: AccountId;
      readonly asset: AssetId;
      readonly total: bigint;
    }
  /** The operator has paid credit back on chain: recorded once for each Transfer log. */
  | {
      readonly kind: 'refund';
      readonly asset: AssetId;
      readonly amount: bigint;
      readonly transaction: Hex;
      /** Which log of the transaction the Transfer is, from 0. */
      readonly place: number;
      readonly block: number;
      readonly by?: By;
      readonly order: OrderedBy;
    }
  /** An operator gives credit (a positive amount), or takes it away. Carried out once for each signed intent, which it must name. */
  | {
      readonly kind: 'adjust';
      readonly asset: AssetId;
      readonly amount: bigint;
      readonly reason: string;
      readonly by?: By;
      readonly order: OrderedBy;
    };

/** `credit`: what could be taken, atomic units. */
export type CreditTooLow = { readonly reason: 'credit_too_low'; readonly credit: string };

export type Applied =
  /** `credit`: of the account in this asset, afterwards; negative is a debt. */
  | { readonly verdict: 'applied'; readonly credit: bigint }
  /** It was applied before; nothing changed. */
  | { readonly verdict: 'known'; readonly credit: bigint }
  /** Of `adjust`: nothing changed. */
  | { readonly verdict: 'refused'; readonly fault: OrderFault | CreditTooLow }
  | { readonly verdict: 'unavailable' };

/** How the account stands, for its holder: `GET /accounts/me`. As `LookUp`, it reads only. */
export type StandingQuestion = {
  readonly account: AccountId;
  /** Who asks, where the gateway has vouched for them: an operator, an account above, or its holder. Absent: its holder, by its key. */
  readonly by?: By;
  readonly facts?: PayerFacts;
  readonly contractCheckedAt?: number;
};

export type StandingVerdict =
  | { readonly verdict: 'found'; readonly standing: Standing }
  | { readonly verdict: 'unknown_account' }
  | { readonly verdict: 'stale_payer' }
  | { readonly verdict: 'contract_only' }
  | { readonly verdict: 'unavailable' };

export type Acknowledged = { readonly verdict: 'ok' } | { readonly verdict: 'unavailable' };

/** Which payments are looked at again: not those that are settled, under way, or known here no longer. */
export type Looked =
  | { readonly verdict: 'looking'; readonly calls: readonly Hex[] }
  | { readonly verdict: 'unavailable' };

/** Methods an AgentAccount answers over RPC. */
export type AgentAccountRpc = {
  reserve(call: Call, attempt: Hex, evidence: Evidence): Promise<ReserveVerdict>;
  finish(call: Hex, attempt: Hex, outcome: Outcome): Promise<FinishVerdict>;
  lookUp(question: LookUp): Promise<LookUpVerdict>;
  apply(order: Order): Promise<Applied>;
  govern(order: TreeOrder): Promise<Governed>;
  charge(charge: CommandCharge): Promise<ChargedCommand>;
  lease(request: LeaseRequest): Promise<LeaseVerdict>;
  recall(recall: Recall): Promise<Returned>;
  report(recall: Recall): Promise<Returned>;
  giveBack(child: AccountId, branches: Readonly<Record<Hex, Slices>>): Promise<Acknowledged>;
  children(after: Hex | undefined, limit: number): Promise<Children>;
  standing(question: StandingQuestion): Promise<StandingVerdict>;
  kin(question: { readonly by: AccountId }): Promise<Kin>;
  document(type: DocumentType, name: string): Promise<KeptDocument>;
  documentsSince(type: DocumentType, since: number): Promise<ChangedDocuments>;
  /** Waits for the next entry after `after`, at most `waitMs` (25 s). `by`: who listens, and may wait so often at a time. */
  happened(after: number, waitMs: number, limit: number, by?: AccountId): Promise<Happened>;
  settled(results: readonly SettlementResult[]): Promise<Acknowledged>;
  /** Has the settlement queue look at these payments again. */
  look(calls: readonly Hex[]): Promise<Looked>;
  exported(seq: number): Promise<Acknowledged>;
};
