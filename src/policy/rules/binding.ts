import * as z from 'zod/mini';
import type { Rule } from '../rule.ts';

export type BindingFields = {
  /** The weakest binding of a proof to its request that the policy accepts. */
  readonly binding?: 'none' | 'intent';
};

/** Denies proofs that are not bound to their request. */
export const binding = {
  shape: { binding: z.exactOptional(z.enum(['none', 'intent'], 'must be none or intent')) },
  denials: {
    binding: {
      subject: 'The policy requires a proof that is bound to the request.',
      hint: 'Bind the payment to the request with the agent-intent extension that the 402 offer advertises, then sign again.',
    },
  },
  check: (policy, _, subject) =>
    policy.binding === 'intent' && subject.binding !== 'intent' ? { rule: 'binding' } : undefined,
} satisfies Rule<BindingFields, 'binding'>;
