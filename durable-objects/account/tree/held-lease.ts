import type { Seconds } from '../../../src/core/clock.ts';
import type { Hex } from '../../../src/core/hex.ts';
import type { Source } from '../../../src/policy/evaluate.ts';
import type { Authority } from '../../../src/protocol/account/lease.ts';

/** The right to decide for an ancestor, while it lasts. Never stored: an account that wakes asks again. */
export type HeldLease = {
  readonly until: Seconds;
  readonly status: Authority['status'];
  /** The ancestor's counters that a call by this grant counts in. */
  readonly names: readonly string[];
  readonly policies: readonly Pick<Source, 'key' | 'origin' | 'policy'>[];
  readonly policiesHash: Hex;
  /** The least need that the ancestor had too little for, since it last granted one. */
  readonly shortOf?: bigint;
};
