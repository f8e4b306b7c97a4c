import type { Hex } from '../../../core/hex.ts';
import { err, ok, type Result } from '../../../core/result.ts';
import { USD } from '../../../protocol/fiat-asset.ts';
import type { GrantAsset } from './grant-form.ts';

/** A grant that the issuer of further grants holds. */
export type OwnGrant = {
  readonly hash: Hex;
  readonly isActive: boolean;
  readonly isDefault: boolean;
  /** The assets of its policy. */
  readonly assets: readonly string[] | undefined;
};

const REASONS: Readonly<Record<GrantAsset, string>> = {
  token: 'is a kind of money that no grant of yours has: you hold no budget in USDC',
  [USD]: 'is a kind of money that no grant of yours has: you hold no budget in dollars',
};

/**
 * The parent of a new grant: the grant that the issuer's calls use in that kind of money, because a grant has one asset.
 *
 * @param held in the order in which the issuer took them; none for an owner
 * @returns undefined for an owner
 */
export const parentOf = (
  held: readonly OwnGrant[],
  asset: GrantAsset,
): Result<Hex | undefined, string> => {
  if (held.length === 0) return ok(undefined);
  const live = held.filter(
    ({ isActive, assets }) => isActive && (assets?.includes(USD) === true) === (asset === USD),
  );
  const used = live.find(({ isDefault }) => isDefault) ?? live.at(-1);
  return used === undefined ? err(REASONS[asset]) : ok(used.hash);
};
