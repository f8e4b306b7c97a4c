import * as z from 'zod/mini';
import { isFiat } from '../../protocol/fiat-asset.ts';
import { money } from '../fields.ts';
import { amounts, attributed, prefixOf, type Rule } from '../rule.ts';

export type PerCallFields = {
  /** The maximum price of one call, atomic units of the asset that the call is paid in. */
  readonly perCall?: bigint;
};

/**
 * Denies calls above a price. The cap of the default policy bounds what strangers may owe, so it holds for tokens only: a call in fiat needs a
 * policy that an operator wrote for the account or an ancestor, with caps of its own.
 */
export const perCall = {
  shape: { perCall: z.exactOptional(money) },
  denials: {
    per_call: {
      subject: 'The price is above the cap per call.',
      hint: 'Choose a cheaper call, or ask the owner of `account` to raise the cap.',
    },
  },
  check: (policy, source, { price, asset }) =>
    policy.perCall === undefined ||
    price <= policy.perCall ||
    (source.origin.kind === 'default' && isFiat(asset))
      ? undefined
      : {
          rule: 'per_call',
          limit: attributed(source, amounts(`${prefixOf(source)}per_call`, policy.perCall, 0n, 0n)),
        },
} satisfies Rule<PerCallFields, 'per_call'>;
