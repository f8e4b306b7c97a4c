import type { Seconds } from '../../core/clock.ts';
import type { ChainHead } from '../entry.ts';
import type { Hex } from '../../core/hex.ts';
import type { AccountId, AssetId } from '../account-id.ts';
import type { AlertBody } from '../alert.ts';
import type { AgentRevocation } from '../intent/agent-revocation.ts';
import type { CallState, PayerFacts } from './call.ts';
import type { Consent, SignedGrant } from './grant.ts';
import type { ScreeningVerdict } from './screening.ts';

/** A command to an account. Idempotent. */
export type AccountCommand =
  | CreditCommand
  /** To the issuer: register `grant`. The gateway has verified its signature. */
  | {
      readonly kind: 'issue';
      readonly grant: SignedGrant;
      /** Whether the issuer holds money. Set only for an issuer that the gateway does not know. */
      readonly facts?: PayerFacts;
      /** The delegate consents. Otherwise the issuer keeps the grant as an offer, unknown to the delegate's account. */
      readonly consent: boolean;
    }
  /** To the issuer: the delegate consents to an offered grant. The verdict contains the grant and its chain. */
  | { readonly kind: 'accept'; readonly hash: Hex; readonly delegate: AccountId }
  /** To the delegate, after the issuer has registered the grant. `chain`: its parent grants, nearest first. */
  | {
      readonly kind: 'take';
      readonly grant: SignedGrant;
      readonly chain: readonly SignedGrant[];
      readonly consent: Consent;
    }
  /** To the signer: the issuer of the grant, or its delegate. */
  | {
      readonly kind: 'revoke';
      readonly revocation: AgentRevocation;
      readonly hash: Hex;
      readonly signature: Hex;
      /** The block at which the issuer's contract accepted the signature (ERC-1271); absent for a key. */
      readonly contractCheckedAt?: number;
      /** Like `by` of `issue`. */
      readonly facts?: PayerFacts;
    }
  /** Without `by`, the command comes from the gateway itself, with the rights of an operator. */
  | {
      readonly kind: 'status';
      readonly status: Status;
      readonly by?: CommandSigner;
      readonly expected?: Expected;
      readonly intent: CommandIntent;
    }
  /** Sets a policy, or removes it with null. The operator's and the owner's policy both bind. */
  | {
      readonly kind: 'policy';
      readonly slot: 'operator' | 'owner';
      readonly document: unknown;
      readonly by?: CommandSigner;
      readonly expected?: Expected;
      /** Only return which running calls the policy would have denied. */
      readonly dryRun?: boolean;
      readonly intent: CommandIntent;
    }
  /** Sets the grant of calls without `authority`. */
  | {
      readonly kind: 'default';
      readonly grant: Hex;
      readonly by?: CommandSigner;
      readonly expected?: Expected;
      readonly intent: CommandIntent;
    }
  /** Sets a name for people, or removes it with null. An operator's command creates an unknown account. */
  | {
      readonly kind: 'label';
      readonly label: string | null;
      readonly by: CommandSigner;
      readonly expected?: Expected;
      readonly intent: CommandIntent;
    }
  /** Erases the label, and the stored answers of all calls so far. The log keeps its entries. */
  | { readonly kind: 'erase'; readonly by: CommandSigner; readonly intent: CommandIntent }
  /**
   * Puts a document that the account keeps for the gateway, or removes it with null: entries `tool.put`, `webhook.removed`, … The document
   * of a secret never holds its value.
   */
  | {
      readonly kind: 'document';
      readonly type: DocumentType;
      readonly name: string;
      /** At most 16 KiB of canonical JSON, 40 KiB for a tool, of type `Json`; or null. `unknown`, because RPC types cannot express `Json`. */
      readonly document: unknown;
      /** Hash of the deployed document, if the account has never stored this one. */
      readonly known?: Hex;
      /** Write an entry even if the document has not changed: it re-enables a webhook that the gateway has disabled meanwhile. */
      readonly anew?: boolean;
      readonly expected?: Expected;
      /** Only return whether the account would write it. */
      readonly dryRun?: boolean;
      readonly by: CommandSigner;
      readonly intent: CommandIntent;
    }
  /** Sends a payment to the settlement queue again. */
  | {
      readonly kind: 'redrive';
      readonly call: Hex;
      readonly by: CommandSigner;
      readonly intent: CommandIntent;
    }
  /** Writes off a payment that cannot move any more, without a debt of the payer. */
  | {
      readonly kind: 'writeOff';
      readonly call: Hex;
      readonly reason: string;
      readonly by: CommandSigner;
      readonly intent: CommandIntent;
    }
  /** Resolves a call of a silent tool: charges the kept hold, or releases it (law 4). */
  | {
      readonly kind: 'resolve';
      readonly call: Hex;
      readonly charge: boolean;
      readonly reason: string;
      readonly by: CommandSigner;
      readonly intent: CommandIntent;
    }
  /** Decides on a parked call: approved, its caller may run it once; refused, its hold is released. */
  | {
      readonly kind: 'approval';
      readonly call: Hex;
      readonly decision: 'approved' | 'refused';
      readonly reason?: string;
      readonly by: CommandSigner;
      readonly intent: CommandIntent;
    }
  /** Gives back the charge of a call, or a part of it, as credit of its payer. Applied once for each signed intent, which it must name. */
  | {
      readonly kind: 'refundCall';
      readonly call: Hex;
      /** Absent: everything that was not refunded earlier. */
      readonly amount?: bigint;
      /** From D1. Counts only if the account has forgotten the call, because its charge can then no longer change. */
      readonly charge?: CallCharge;
      readonly reason: string;
      readonly by: CommandSigner;
      readonly intent: CommandIntent;
    }
  /**
   * The charge on a call's one-time card, as its issuer reports it. Concludes a call whose amount the account still keeps: charges that
   * amount, or releases the hold. `authorization`: the issuer's id; empty without a charge.
   */
  | {
      readonly kind: 'concludeCard';
      readonly call: Hex;
      /** Millionths of the call's currency. */
      readonly charged: bigint;
      readonly authorization: string;
    }
  /** To the gateway's own account: an operator resent a dead letter that belongs to no payment. */
  | {
      readonly kind: 'deadLetter';
      readonly id: string;
      readonly queue: string;
      readonly by: CommandSigner;
      readonly intent: CommandIntent;
    }
  /** To the gateway's own account: the archive wrote an object. Recorded once for each SHA-256. */
  | {
      readonly kind: 'archived';
      readonly name: string;
      readonly sha256: Hex;
      readonly bytes: number;
      readonly entries: number;
    }
  /**
   * To the gateway's own account: texts that calls name by hash, for its log. `set`: the name of all texts of a deployment, with the last of
   * them.
   */
  | { readonly kind: 'publish'; readonly texts: readonly PublishedText[]; readonly set?: Hex }
  /** The verdict of a screening that another account's call needed: it freezes this account too. */
  | { readonly kind: 'screened'; readonly verdict: ScreeningVerdict; readonly settings: Hex }
  /**
   * The object was restored to an earlier time, or lost: its log in D1 ends at `head`. `until`: when every proof that it may have accepted
   * since has expired.
   */
  | { readonly kind: 'recover'; readonly head: ChainHead; readonly until: Seconds }
  /** Records an alert of the Worker: a dead letter, a disabled webhook. */
  | { readonly kind: 'alert'; readonly alert: AlertBody };

/** The default policy, or the terms of a tool, of type `Json`; `unknown`, because RPC types cannot express `Json`. */
export type PublishedText =
  | { readonly type: 'policy.default'; readonly document: unknown }
  | { readonly type: 'tool.listed'; readonly name: string; readonly document: unknown };

/** The cost of a call, and how it was paid. */
export type CallCharge = {
  readonly tool: string;
  readonly asset: AssetId;
  readonly state: CallState;
  /** From its acceptance: `deferred`, `upfront`, `credit`, `lent`, `free` or `card`. */
  readonly paidBy: string;
  readonly payment: 'none' | 'open' | 'settled' | 'failed' | 'released';
  /** Atomic units. */
  readonly charged: bigint;
  /** A silent tool keeps the amount until an operator resolves the call. */
  readonly isKept: boolean;
  readonly isTopUp: boolean;
  /** Only for credit that an ancestor lent: the hash of the grant. */
  readonly lender?: Hex;
};

/** A command that moves credit. Idempotent by its content. */
export type CreditCommand =
  /**
   * Credit that another account paid for. `total` is everything that `from` ever sent in this asset. It only grows, so a repeated, late
   * or reordered message changes nothing.
   */
  | {
      readonly kind: 'credit';
      readonly from: AccountId;
      readonly asset: AssetId;
      readonly total: bigint;
    }
  /** Records credit that the operator paid back on chain, once for each Transfer log. */
  | {
      readonly kind: 'refund';
      readonly asset: AssetId;
      readonly amount: bigint;
      readonly transaction: Hex;
      /** Index of the Transfer log in the transaction, from 0. */
      readonly place: number;
      readonly block: number;
      /** The refunded call that the transfer pays out. */
      readonly call?: Hex;
      readonly by?: CommandSigner;
      readonly intent: CommandIntent;
    }
  /** An operator adds credit (a positive amount) or removes it. Applied once for each signed intent, which it must name. */
  | {
      readonly kind: 'adjust';
      readonly asset: AssetId;
      readonly amount: bigint;
      readonly reason: string;
      readonly by?: CommandSigner;
      readonly intent: CommandIntent;
    };

/** The verified signer of a command. The account decides whether an owner may send it. */
export type CommandSigner = {
  readonly account: AccountId;
  readonly role: 'operator' | 'owner';
  /** The block at which the account's contract accepted the signature (ERC-1271); absent for a key. */
  readonly contractCheckedAt?: number;
};

/** The signed intent of a command, stored as evidence. */
export type CommandIntent = {
  readonly fields: Readonly<Record<string, string>>;
  readonly signature: Hex;
  /**
   * The intent's digest, its expiry, and the request that carried it: with these the account applies a command once, and returns the
   * same verdict to the same attempt only.
   */
  readonly digest?: Hex;
  readonly validBefore?: Seconds;
  readonly attempt?: Hex;
};

/** `If-Match`: the hash of the document to replace, or `*` for any; `none`: there must be no document yet. */
export type Expected = Hex | '*' | 'none';

/** Whether an account accepts calls. `paused` can be resumed, `frozen` only by the account that froze it, `revoked` never. */
export type Status = 'active' | 'paused' | 'frozen' | 'revoked';

export type DocumentType = 'tool' | 'webhook' | 'secret';

/** A stored document. `hash`: SHA-256 over its JCS form. */
export type KeptDocument =
  | { readonly verdict: 'found'; readonly hash: Hex; readonly document: unknown }
  | { readonly verdict: 'unknown' }
  | { readonly verdict: 'unavailable' };

/**
 * Documents of one type that changed; `text` is null for a removed one. `top`: sequence number of the newest change. `hasTexts`: whether the
 * log of the account has the set of texts that the reader named.
 */
export type ChangedDocuments =
  | {
      readonly verdict: 'found';
      readonly top: number;
      readonly documents: readonly { readonly name: string; readonly text: string | null }[];
      readonly hasTexts?: boolean;
    }
  | { readonly verdict: 'unavailable' };
