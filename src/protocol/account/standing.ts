import type { Seconds } from '../../core/clock.ts';
import type { Hex } from '../../core/hex.ts';
import type { AccountId, AssetId } from '../account-id.ts';
import type { LimitState } from '../limit.ts';
import type { PayerFacts } from './call.ts';
import type { CommandSigner } from './signer.ts';
import type { Status } from './status.ts';

/** How the account stands, for its holder: `GET /accounts/me`. As `LookUp`, it reads only. */
export type StandingQuestion = {
  readonly account: AccountId;
  /** Who asks, where the gateway has vouched for them: an operator, an account above, or its holder. Absent: its holder, by its key. */
  readonly by?: CommandSigner;
  readonly facts?: PayerFacts;
  readonly contractCheckedAt?: number;
};

export type StandingVerdict =
  | { readonly verdict: 'found'; readonly standing: Standing }
  | { readonly verdict: 'unknown_account' }
  | { readonly verdict: 'stale_payer' }
  | { readonly verdict: 'contract_only' }
  | { readonly verdict: 'unavailable' };

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
