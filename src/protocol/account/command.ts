import type { Hex } from '../../core/hex.ts';
import type { AccountId, AssetId } from '../account-id.ts';
import type { AgentRevocation } from '../intent/agent-revocation.ts';
import type { AlertBody } from './alert.ts';
import type { PayerFacts } from './call.ts';
import type { DocumentType } from './document.ts';
import type { Consent, SignedGrant } from './grant.ts';
import type { CommandSigner, CommandIntent } from './signer.ts';
import type { Status } from './status.ts';

/** `If-Match`: the hash of what is to be replaced, or `*` for anything that is there; `none`: nothing may be there yet. */
export type Expected = Hex | '*' | 'none';

/** An order that concerns an account's place in a tree. Idempotent. */
export type AccountCommand =
  | CreditCommand
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
      readonly by?: CommandSigner;
      readonly expected?: Expected;
      readonly order: CommandIntent;
    }
  /** A policy document, or null to take it away. `operator` and `owner`: both bind, whoever writes the other. */
  | {
      readonly kind: 'policy';
      readonly slot: 'operator' | 'owner';
      readonly document: unknown;
      readonly by?: CommandSigner;
      readonly expected?: Expected;
      /** Only says what would be cut off. */
      readonly dryRun?: boolean;
      readonly order: CommandIntent;
    }
  /** Which grant a call without authority uses. */
  | {
      readonly kind: 'default';
      readonly grant: Hex;
      readonly by?: CommandSigner;
      readonly expected?: Expected;
      readonly order: CommandIntent;
    }
  /** A name for people, or null for none. An operator's order makes an account that is not known yet. */
  | {
      readonly kind: 'label';
      readonly label: string | null;
      readonly by: CommandSigner;
      readonly expected?: Expected;
      readonly order: CommandIntent;
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
      readonly by: CommandSigner;
      readonly order: CommandIntent;
    }
  /** Tells the settlement queue of a payment again, now. */
  | {
      readonly kind: 'redrive';
      readonly call: Hex;
      readonly by: CommandSigner;
      readonly order: CommandIntent;
    }
  /** Gives up a payment that cannot move any more: no debt of the payer. */
  | {
      readonly kind: 'writeOff';
      readonly call: Hex;
      readonly reason: string;
      readonly by: CommandSigner;
      readonly order: CommandIntent;
    }
  /** Says whether a silent tool has done its work: what its call keeps is earned, or given back (law 4). */
  | {
      readonly kind: 'resolve';
      readonly call: Hex;
      readonly charge: boolean;
      readonly reason: string;
      readonly by: CommandSigner;
      readonly order: CommandIntent;
    }
  /** To the gateway's own account: an operator has had a dead letter sent again that is no payment's. */
  | {
      readonly kind: 'deadLetter';
      readonly id: string;
      readonly queue: string;
      readonly by: CommandSigner;
      readonly order: CommandIntent;
    }
  /** Raised elsewhere: a dead letter, a webhook that was switched off. */
  | { readonly kind: 'alert'; readonly alert: AlertBody };

/** A command that moves credit. Idempotent by what it carries. */
export type CreditCommand =
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
      readonly by?: CommandSigner;
      readonly order: CommandIntent;
    }
  /** An operator gives credit (a positive amount), or takes it away. Carried out once for each signed intent, which it must name. */
  | {
      readonly kind: 'adjust';
      readonly asset: AssetId;
      readonly amount: bigint;
      readonly reason: string;
      readonly by?: CommandSigner;
      readonly order: CommandIntent;
    };
