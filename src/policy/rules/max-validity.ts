import * as z from 'zod/mini';
import type { Seconds } from '../../core/clock.ts';
import { DAY, integer } from '../fields.ts';
import type { Rule } from '../rule.ts';

export type MaxValidityFields = {
  /** The longest remaining validity of a proof. */
  readonly maxValidity?: Seconds;
};

/** Denies proofs that stay valid for too long. */
export const maxValidity = {
  shape: { maxValidity: z.exactOptional(integer(1, DAY)) },
  denials: {
    // The account also uses this name to deny a plain key's signature for an account that now has code.
    validity: {
      subject:
        'The proof is valid for longer than the policy allows, or a plain key signed for an account that is a contract now.',
      hint: 'Sign again with a shorter validity. Sign for a contract account through its contract (ERC-1271).',
    },
  },
  check: (policy, _, { validBefore }, now) =>
    policy.maxValidity !== undefined && validBefore - now > policy.maxValidity
      ? { rule: 'validity' }
      : undefined,
} satisfies Rule<MaxValidityFields, 'validity'>;
