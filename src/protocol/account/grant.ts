import type { Seconds } from '../../core/clock.ts';
import type { Hex } from '../../core/hex.ts';
import type { AccountId } from '../account-id.ts';
import type { AgentDelegation } from '../intent/agent-delegation.ts';
import type { Call } from './call.ts';

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

/**
 * A holder's consent to one grant, as the gateway has verified it: an intent for the registration of this grant, or one that names the
 * grant in `authority`. `call` is the intent's digest: a consent is good once.
 */
export type Consent = Pick<
  Call,
  'call' | 'proof' | 'audience' | 'payment' | 'intent' | 'contractCheckedAt'
>;

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
