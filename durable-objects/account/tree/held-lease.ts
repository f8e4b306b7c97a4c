import type { Seconds } from '../../../src/core/clock.ts';
import type { Hex } from '../../../src/core/hex.ts';
import type { Source } from '../../../src/policy/evaluate.ts';
import type { Authority } from '../../../src/protocol/account/lease.ts';

/** A lease from an ancestor, which lets this account decide calls alone. Never stored: after a wake-up the account requests it again. */
export type HeldLease = {
  readonly until: Seconds;
  readonly status: Authority['status'];
  /** The names of the ancestor's counters that a call by this grant counts in. */
  readonly names: readonly string[];
  readonly policies: readonly Pick<Source, 'key' | 'origin' | 'policy'>[];
  readonly policiesHash: Hex;
  /** The least need that the ancestor could not meet since it last granted one. */
  readonly shortOf?: bigint;
};
