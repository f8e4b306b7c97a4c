/**
 * What accounts of one tree say to each other, and what the Worker orders in a tree (design §4.5, §5). As in `contract.ts`, arguments
 * only ever gain optional fields, and results are tagged unions.
 */
import type { Entry } from '../entry.ts';
import type { AccountId, AssetId } from '../account-id.ts';
import type { Hex } from '../../core/hex.ts';
import type { Seconds } from '../../core/clock.ts';
import type { AgentDelegation } from '../intent/agent-delegation.ts';
import type { AgentRevocation } from '../intent/agent-revocation.ts';
import type { LimitState } from '../limit.ts';
import type { Call, PayerFacts } from './contract.ts';

/** Whether an account takes calls. `paused` may be resumed any time, `frozen` by whoever froze it, `revoked` never. */
export type Status = 'active' | 'paused' | 'frozen' | 'revoked';

/** What one account below has of one counter above: totals that only grow, but for `held`. Atomic units. */
export type Slice = {
  /** When the counter's period began: a slice is good for that period alone. */
  readonly start: Seconds;
  /** Given to the account below, ever; and what it has given back, ever. */
  readonly granted: bigint;
  readonly returned: bigint;
  /** What it has spent of it, and what its running calls hold. */
  readonly spent: bigint;
  readonly held: bigint;
};

/** Slices by the name of the counter above, e.g. `day`, `lifetime`, `<grant>/lifetime`, `credit`. */
export type Slices = Readonly<Record<string, Slice>>;

/** A policy of an account above, which binds everybody below it as well. */
export type PolicyAbove = {
  readonly kind: 'operator' | 'owner';
  readonly hash: Hex;
  /** As `policyJson` writes it. */
  readonly document: unknown;
};

/** An account above, as it lets one grant of its own be used. A lower revision is an older word and says nothing. */
export type Authority = {
  readonly revision: number;
  readonly status: Status | 'expired' | 'unknown';
  /** Absent where the asker knows them already, by `policiesHash`. */
  readonly policies?: readonly PolicyAbove[];
  readonly policiesHash: Hex;
};

/** Asks an account above for a share of its limits and for its word that a grant lives (design §5, "Hierarchy by leases"). */
export type LeaseRequest = {
  readonly child: AccountId;
  /** The grant by which the account above let this branch of its tree grow: it has issued it. */
  readonly issued: Hex;
  readonly asset: AssetId;
  /** What the child must have unused in every counter to go on, and what it would like to have. */
  readonly need: bigint;
  readonly want: bigint;
  /** As `need`, of the account's credit; absent where the child pays otherwise. */
  readonly credit?: bigint;
  readonly creditWant?: bigint;
  /** The child's books with this account, under this grant. */
  readonly slices: Slices;
  readonly knows?: Hex;
  /** Only says what it would give. */
  readonly dryRun?: boolean;
};

export type LeaseVerdict =
  /** Good for `LEASE_SECONDS` from when it was asked for. */
  | { readonly verdict: 'leased'; readonly authority: Authority; readonly slices: Slices }
  /** The grant lives, but this limit has too little left; nothing is given. */
  | {
      readonly verdict: 'short';
      readonly authority: Authority;
      readonly slices: Slices;
      readonly rule: 'window' | 'lifetime' | 'credit';
      readonly limit: LimitState;
    }
  /** The grant, or the account itself, lets nothing through. */
  | { readonly verdict: 'refused'; readonly authority: Authority }
  | { readonly verdict: 'unavailable' };

/** An account above takes back what is not used, and says how things stand with it now. By the grant it has issued. */
export type Recall = {
  readonly of: AccountId;
  readonly branches: Readonly<
    Record<
      Hex,
      { readonly revision: number; readonly status: Authority['status']; readonly slices: Slices }
    >
  >;
};

/** The answer to a recall, and what an idle account sends by itself: its books by branch, everything unused given back. */
export type Returned =
  | { readonly verdict: 'returned'; readonly branches: Readonly<Record<Hex, Slices>> }
  | { readonly verdict: 'unavailable' };

/** A delegation as its issuer signed it. `hash` is its digest. */
export type SignedGrant = {
  readonly hash: Hex;
  readonly chainId: number;
  readonly delegation: AgentDelegation;
  readonly signature: Hex;
  /**
   * The block at which the issuer's contract accepted the signature (ERC-1271); absent for a key. A contract may change its mind, so
   * the signature is verified again while the grant is used.
   */
  readonly contractCheckedAt?: number;
};

/** Who ordered something: the signed intent, kept as evidence. */
export type OrderedBy = {
  readonly fields: Readonly<Record<string, string>>;
  readonly signature: Hex;
  /**
   * The intent's digest, how long it is good, and the request that carried it: with these the account carries an order out once,
   * and gives the same answer to the same attempt only.
   */
  readonly digest?: Hex;
  readonly validBefore?: Seconds;
  readonly attempt?: Hex;
};

/** Who gives an order, as the gateway has checked its signature. Whether an owner may give it is the account's to say. */
export type By = {
  readonly account: AccountId;
  readonly role: 'operator' | 'owner';
  /** The block at which the account's contract accepted the signature (ERC-1271); absent for a key. */
  readonly contractCheckedAt?: number;
};

/** `If-Match`: the hash of what is to be replaced, or `*` for anything that is there; `none`: nothing may be there yet. */
export type Expected = Hex | '*' | 'none';

/** Something that a person should look at (entry `alert.raised`). */
export type AlertBody = {
  readonly rule:
    | 'soft_limit'
    | 'breaker'
    | 'debt'
    | 'stuck'
    | 'dead_letter'
    | 'webhook_disabled'
    | 'gas'
    | 'reconciliation'
    | 'catalogue_stale'
    | 'database_size'
    | 'database_unavailable'
    | 'backend';
  readonly detail: Readonly<Record<string, string | number>>;
};

/**
 * A holder's consent to one grant, as the gateway has verified it: an intent for the registration of this grant, or one that names the
 * grant in `authority`. `call` is the intent's digest: a consent is good once.
 */
export type Consent = Pick<
  Call,
  'call' | 'proof' | 'audience' | 'payment' | 'intent' | 'contractCheckedAt'
>;

/** An order that concerns an account's place in a tree. Idempotent. */
export type TreeOrder =
  /** To the issuer: it lets `grant` be used. The gateway has verified its signature. */
  | {
      readonly kind: 'issue';
      readonly grant: SignedGrant;
      readonly facts: PayerFacts;
      /** The delegate consents. Without, the grant is kept here as an offer, and the delegate's account learns nothing of it. */
      readonly consent: boolean;
    }
  /** To the issuer: the delegate consents to a grant that was offered to it. Answered with the grant and its chain. */
  | { readonly kind: 'accept'; readonly hash: Hex; readonly delegate: AccountId }
  /** To the delegate, after its issuer has agreed. `chain`: the grants that `grant` stands on, nearest first. */
  | {
      readonly kind: 'take';
      readonly grant: SignedGrant;
      readonly chain: readonly SignedGrant[];
      readonly consent: Consent;
    }
  /** To whoever signed it: as issuer of the grant, or as its delegate. */
  | {
      readonly kind: 'revoke';
      readonly revocation: AgentRevocation;
      readonly hash: Hex;
      readonly signature: Hex;
      /** The block at which the issuer's contract accepted the signature (ERC-1271); absent for a key. */
      readonly contractCheckedAt?: number;
      /** Absent where the chain could not be asked: an account that is known here may cut a key off all the same. */
      readonly facts?: PayerFacts;
    }
  /** By whom is not said: by the gateway itself, as an operator. */
  | {
      readonly kind: 'status';
      readonly status: Status;
      readonly by?: By;
      readonly expected?: Expected;
      readonly order: OrderedBy;
    }
  /** A policy document, or null to take it away. `operator` and `owner`: both bind, whoever writes the other. */
  | {
      readonly kind: 'policy';
      readonly slot: 'operator' | 'owner';
      readonly document: unknown;
      readonly by?: By;
      readonly expected?: Expected;
      /** Only says what would be cut off. */
      readonly dryRun?: boolean;
      readonly order: OrderedBy;
    }
  /** Which grant a call without authority uses. */
  | {
      readonly kind: 'default';
      readonly grant: Hex;
      readonly by?: By;
      readonly expected?: Expected;
      readonly order: OrderedBy;
    }
  /** A name for people, or null for none. An operator's order makes an account that is not known yet. */
  | {
      readonly kind: 'label';
      readonly label: string | null;
      readonly by: By;
      readonly expected?: Expected;
      readonly order: OrderedBy;
    }
  /** A document that the account keeps for the gateway, or null to remove it: entries `tool.put`, `webhook.removed`, … */
  | {
      readonly kind: 'document';
      readonly type: DocumentType;
      readonly name: string;
      /** At most 16 KiB of canonical JSON, as `Json`; or null. Unknown here, as RPC types cannot follow it. */
      readonly document: unknown;
      /** Hash of what the gateway itself began with, where the account was never told of this document. */
      readonly known?: Hex;
      /** Enters it again where it has not changed: what the gateway has switched off meanwhile is wanted again. */
      readonly anew?: boolean;
      readonly expected?: Expected;
      readonly by: By;
      readonly order: OrderedBy;
    }
  /** Tells the settlement queue of a payment again, now. */
  | { readonly kind: 'redrive'; readonly call: Hex; readonly by: By; readonly order: OrderedBy }
  /** Gives up a payment that cannot move any more: no debt of the payer. */
  | {
      readonly kind: 'writeOff';
      readonly call: Hex;
      readonly reason: string;
      readonly by: By;
      readonly order: OrderedBy;
    }
  /** Says whether a silent tool has done its work: what its call keeps is earned, or given back (law 4). */
  | {
      readonly kind: 'resolve';
      readonly call: Hex;
      readonly charge: boolean;
      readonly reason: string;
      readonly by: By;
      readonly order: OrderedBy;
    }
  /** To the gateway's own account: an operator has had a dead letter sent again that is no payment's. */
  | {
      readonly kind: 'letter';
      readonly letter: string;
      readonly queue: string;
      readonly by: By;
      readonly order: OrderedBy;
    }
  /** Raised elsewhere: a dead letter, a webhook that was switched off. */
  | { readonly kind: 'alert'; readonly alert: AlertBody };

export type DocumentType = 'tool' | 'webhook';

/** Why an order of an operator or an owner changed nothing; none is about a field of its body. */
export type OrderFault =
  | { readonly reason: 'forbidden' }
  /** The intent has ordered something before, in another request. */
  | { readonly reason: 'already_used' }
  /** `current`: hash of what is there; absent where nothing is. */
  | { readonly reason: 'precondition_failed'; readonly current?: Hex }
  | { readonly reason: 'precondition_required'; readonly current: Hex }
  | { readonly reason: 'not_writable'; readonly hint: string }
  | { readonly reason: 'unknown_call' }
  | CommandFault;

/** A command was refused because its account, or the top of its tree, gives too many. Nothing was written. */
export type CommandFault = {
  readonly reason: 'too_many_commands';
  readonly rule: 'command_rate' | 'command_bytes';
  /** Whose limit it is. */
  readonly account: AccountId;
  /** Commands, or bytes of log, in `window` seconds. */
  readonly limit: number;
  readonly window: Seconds;
  readonly retryAfter: Seconds;
  readonly resetsAt: Seconds;
};

/** One command that another account of the tree is about to carry out, to be paid for here. `id` names it: it is counted once. */
export type CommandCharge = {
  readonly share: 'own' | 'grant' | 'stop' | 'below';
  readonly bytes: number;
  readonly id: Hex;
};

export type ChargedCommand =
  | { readonly verdict: 'charged' }
  | { readonly verdict: 'refused'; readonly fault: CommandFault }
  | { readonly verdict: 'unavailable' };

/** Why an order changed nothing. `field` as in the order's own document. */
export type TreeFault =
  | {
      readonly reason: 'grant_refused';
      readonly field: string;
      readonly expected: string;
      readonly got: string;
    }
  | { readonly reason: 'already_registered'; readonly field: string }
  | { readonly reason: 'grant_revoked'; readonly field: string }
  | { readonly reason: 'holds_leases'; readonly field: string }
  | { readonly reason: 'unknown_grant'; readonly field: string }
  | { readonly reason: 'penniless'; readonly field: string }
  | { readonly reason: 'malformed_policy'; readonly field: string; readonly hint: string };

export type Governed =
  | {
      readonly verdict: 'governed';
      /** False where it had been so before. */
      readonly changed: boolean;
      readonly revision: number;
      /** Holders of live leases that have taken note, and those that did not answer: they stop when their lease ends. */
      readonly acknowledged: readonly AccountId[];
      readonly silent: readonly AccountId[];
      /** Of `issue` and `accept`: the grants that the issuer itself stands on, nearest first. */
      readonly chain?: readonly SignedGrant[];
      /** Of `accept`: the grant as it was registered. */
      readonly grant?: SignedGrant;
      /** Hash (ETag) of what was ordered, as it is now; absent where nothing is there any more. */
      readonly current?: Hex;
      /** Of a document that was put or removed: where its entry stands, which orders what the gateway's tables hold of it. */
      readonly entry?: { readonly seq: number; readonly at: Seconds };
      /** Of a policy: calls that run in the account now, and how many of them it would have refused. They may end (law 4). */
      readonly inFlight?: { readonly held: number; readonly cutOff: number };
    }
  | { readonly verdict: 'refused'; readonly fault: TreeFault | OrderFault }
  | { readonly verdict: 'unavailable' };

/** What one account is to another. `above`: the other one hangs below it. `hasParent`: it does not stand for itself. */
export type Kin =
  | {
      readonly verdict: 'found';
      readonly kin: 'self' | 'above' | 'none';
      readonly hasParent: boolean;
      /** It has a place here: money, an order or an entry. */
      readonly exists: boolean;
    }
  | { readonly verdict: 'unavailable' };

/** A document that the account keeps. `hash`: SHA-256 of its canonical JSON. */
export type KeptDocument =
  | { readonly verdict: 'found'; readonly hash: Hex; readonly document: unknown }
  | { readonly verdict: 'unknown' }
  | { readonly verdict: 'unavailable' };

/** Documents of one type that changed, without text where one was removed. `top`: the newest entry that wrote one. */
export type ChangedDocuments =
  | {
      readonly verdict: 'found';
      readonly top: number;
      readonly documents: readonly { readonly name: string; readonly text: string | null }[];
    }
  | { readonly verdict: 'unavailable' };

/** An `Entry`, whose JSON members RPC types cannot follow. */
export type ToldEntry = Omit<Entry, 'evidence' | 'outcome' | 'payment'> & {
  readonly evidence?: unknown;
  readonly outcome?: unknown;
  readonly payment?: unknown;
};

/** Entries after a place in the chain, in order. `exported`: up to where D1 has them; `head`: where the chain ends. */
export type Happened =
  | {
      readonly verdict: 'found';
      readonly entries: readonly ToldEntry[];
      readonly exported: number;
      readonly head: number;
    }
  | { readonly verdict: 'unavailable' };

/** One account below, as its issuer lists it. `offered`: it has not consented. Amounts are decimal strings of atomic units. */
export type Child = {
  readonly account: AccountId;
  readonly grant: Hex;
  readonly id: Hex;
  readonly status: 'offered' | 'active' | 'revoked' | 'expired';
  readonly validUntil: Seconds;
  readonly spent: string;
  /** Until when it may use what it holds; 0 where it holds no live lease. */
  readonly leasedUntil: Seconds;
  /** Until when the child has reported what it spent; absent where all of it is reported. */
  readonly reportedAt?: Seconds;
};

/** A page of the accounts below, in the order of their grants' hashes. */
export type Children = {
  readonly children: readonly Child[];
  /** Where the next page starts; absent on the last one. */
  readonly next?: Hex;
};

/** How an account stands. Amounts are decimal strings of atomic units. */
export type Standing = {
  readonly account: AccountId;
  /** The worse of the two below. */
  readonly status: Status;
  readonly operatorStatus?: Status;
  readonly ownerStatus?: Status;
  readonly label?: string;
  /** Hashes of what may be replaced: policies by `policyHash`, the label as `{"label": …}`. */
  readonly etags?: { readonly operator?: Hex; readonly owner?: Hex; readonly label?: Hex };
  /** Grows with every change of status, policy or grants. */
  readonly revision: number;
  /** The account above; absent for one that stands by itself. */
  readonly parent?: AccountId;
  /** What binds its calls, with where it comes from: its own policies, its grants, and what is known of those above. */
  readonly policies: readonly {
    readonly kind: 'default' | 'operator' | 'owner' | 'grant';
    readonly account: AccountId;
    readonly hash: Hex;
    readonly policy: unknown;
  }[];
  readonly grants: readonly {
    readonly hash: Hex;
    readonly id: Hex;
    readonly issuer: AccountId;
    readonly status: 'active' | 'revoked' | 'expired' | 'not_yet';
    readonly validUntil: Seconds;
    readonly isDefault: boolean;
  }[];
  readonly money: readonly {
    readonly asset: AssetId;
    readonly credit: string;
    readonly creditHeld: string;
    /** Of `creditHeld`, what accounts below hold: what they spent of it counts here when they report. */
    readonly creditLent: string;
    readonly held: string;
    readonly unsettled: string;
    readonly debt: string;
    readonly limits: readonly LimitState[];
  }[];
};
