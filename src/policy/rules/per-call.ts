import * as z from 'zod/mini';
import { money } from '../fields.ts';
import { amounts, attributed, prefixOf, type Rule } from '../rule.ts';

export type PerCallFields = {
  /** The maximum price of one call, atomic units of the asset that the call is paid in. */
  readonly perCall?: bigint;
};

/** Denies calls above a price. */
export const perCall = {
  shape: { perCall: z.exactOptional(money) },
  denials: {
    per_call: {
      subject: 'The price is above the cap per call.',
      hint: 'Choose a cheaper call, or ask the owner of `account` to raise the cap.',
    },
  },
  check: (policy, source, { price }) =>
    policy.perCall === undefined || price <= policy.perCall
      ? undefined
      : {
          rule: 'per_call',
          limit: attributed(source, amounts(`${prefixOf(source)}per_call`, policy.perCall, 0n, 0n)),
        },
  options: [
    {
      flags: '--per-call <amount>',
      summary: 'limit per call: dollars, 0.05, or atomic units, 50000u',
      field: 'perCall',
      kind: 'money',
    },
  ],
} satisfies Rule<PerCallFields>;
