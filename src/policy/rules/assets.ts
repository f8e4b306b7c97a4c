import * as z from 'zod/mini';
import type { AssetId } from '../../protocol/account-id.ts';
import { asset } from '../fields.ts';
import type { Rule } from '../rule.ts';

const MAX_ASSETS = 64;

export type AssetsFields = {
  /** Assets that calls may be paid in. An empty list allows none. */
  readonly assets?: readonly AssetId[];
};

/** Denies paid calls in assets that are not on the list. */
export const assets = {
  shape: {
    assets: z.exactOptional(
      z
        .array(asset, 'must be an array')
        .check(z.maxLength(MAX_ASSETS, `must hold at most ${MAX_ASSETS} entries`)),
    ),
  },
  denials: {
    asset: {
      subject: 'The account may not spend this asset.',
      hint: 'Pay in an asset that the account may spend, or ask its owner to allow this one.',
    },
  },
  check: (policy, _, { price, asset: paid }) =>
    price === 0n || policy.assets === undefined || policy.assets.includes(paid)
      ? undefined
      : { rule: 'asset' },
} satisfies Rule<AssetsFields, 'asset'>;
