import type { Seconds } from '../../core/clock.ts';
import type { Hex } from '../../core/hex.ts';
import type { AccountId, AssetId } from '../account-id.ts';
import type { Payment, SettlementOutcome } from '../payment.ts';

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
