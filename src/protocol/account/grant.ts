import type { Seconds } from '../../core/clock.ts';
import type { Hex } from '../../core/hex.ts';
import type { AccountId } from '../account-id.ts';
import type { AgentDelegation } from '../intent/agent-delegation.ts';
import type { Call } from './call.ts';

/** A signed delegation. `hash` is its digest. */
export type SignedGrant = {
  readonly hash: Hex;
  readonly chainId: number;
  readonly delegation: AgentDelegation;
  readonly signature: Hex;
  /**
   * The block at which the issuer's contract accepted the signature (ERC-1271); absent for a key. A contract may reject it later, so the
   * gateway verifies it again while the grant is in use.
   */
  readonly contractCheckedAt?: number;
};

/**
 * A holder's verified consent to one grant: an intent for the registration of this grant, or one that names the grant in `authority`.
 * `id` is the intent's digest: a consent is valid once.
 */
export type Consent = Pick<
  Call,
  'id' | 'proof' | 'audience' | 'payment' | 'intent' | 'contractCheckedAt'
>;

/** A child in its issuer's list. `offered`: it has not consented. Amounts are decimal strings of atomic units. */
export type Child = {
  readonly account: AccountId;
  readonly grant: Hex;
  readonly id: Hex;
  readonly status: 'offered' | 'active' | 'revoked' | 'expired';
  readonly validUntil: Seconds;
  readonly spent: string;
  /** Expiry of its lease; 0 without a live lease. */
  readonly leasedUntil: Seconds;
  /** Time of the child's last report of its spend; absent if all of it is reported. */
  readonly reportedAt?: Seconds;
  /** The signed delegation. */
  readonly delegation: AgentDelegation;
};

/** A page of children, in the order of their grants' hashes. */
export type Children = {
  readonly children: readonly Child[];
  /** Start of the next page; absent on the last page. */
  readonly next?: Hex;
};
