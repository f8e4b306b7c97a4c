import type { Seconds } from '../../core/clock.ts';
import type { Hex } from '../../core/hex.ts';
import type { AccountId, AssetId } from '../account-id.ts';
import type { CommandSigner, Status } from './command.ts';
import type { LimitState } from './denial.ts';

/** The question of `GET /accounts/me`. Like `LookUp`, it only reads. */
export type StandingQuestion = {
  readonly account: AccountId;
  /** The signer, if the gateway has authorised it: an operator, an ancestor, or the holder. Absent: the holder. */
  readonly by?: CommandSigner;
};

export type StandingVerdict =
  | { readonly verdict: 'found'; readonly standing: Standing }
  | { readonly verdict: 'unknown_account' }
  | { readonly verdict: 'unavailable' };

/** The state of an account. Amounts are decimal strings of atomic units. */
export type Standing = {
  readonly account: AccountId;
  /** The stricter of `operatorStatus` and `ownerStatus`. */
  readonly status: Status;
  readonly operatorStatus?: Status;
  readonly ownerStatus?: Status;
  readonly label?: string;
  /** Hashes for `If-Match`: of policies by `policyHash`, of the label as `{"label": …}`. */
  readonly etags?: { readonly operator?: Hex; readonly owner?: Hex; readonly label?: Hex };
  /** Grows with every change of status, policy or grants. */
  readonly revision: number;
  /** Absent for an account without a parent. */
  readonly parent?: AccountId;
  /** A screening has listed the account, and none has cleared it since. */
  readonly creditFrozen?: true;
  /** The policies that bind its calls, with their source: its own, its grants', and the known ones of ancestors. */
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
    /** Its terms, even after it has ended. */
    readonly policy: unknown;
  }[];
  readonly money: readonly {
    readonly asset: AssetId;
    readonly credit: string;
    readonly creditHeld: string;
    /** The part of `creditHeld` that is leased to children; their spend leaves it when they report. */
    readonly creditLent: string;
    readonly held: string;
    readonly unsettled: string;
    readonly debt: string;
    /** `grant`: the held grant that sets the limit. */
    readonly limits: readonly (LimitState & { readonly grant?: Hex })[];
  }[];
};

/** The relation of a reader to an account. `hasParent`: the account has consented to a grant. */
export type Relation =
  | {
      readonly verdict: 'found';
      readonly relation: 'self' | 'ancestor' | 'none';
      readonly hasParent: boolean;
      /** The account has money, has applied a command or has entries. */
      readonly exists: boolean;
    }
  | { readonly verdict: 'unavailable' };
