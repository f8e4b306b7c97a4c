import type { ItemOf } from '../../../client/management.ts';
import type { Hex } from '../../../core/hex.ts';
import type { Policy } from '../../../policy/policy.ts';
import type { Standing } from '../accounts/standing.ts';
import { readPolicy } from '../../../policy/read-policy.ts';

/** A grant of an agent: one that it holds, or one that was offered to it. */
export type GrantRow = {
  readonly hash: Hex;
  readonly id: Hex;
  readonly issuer: string;
  readonly status: string;
  readonly validUntil: number;
  readonly isDefault: boolean;
  /** Its limits; undefined if they are not known. */
  readonly terms: Policy | undefined;
};

type Issued = Pick<
  ItemOf<'account.tree'>,
  'account' | 'grant' | 'id' | 'status' | 'valid_until' | 'policy'
>;

/** The status of a grant that an account holds: with a revoked account it allows nothing, though it is valid. */
const grantStatus = (
  { status }: Pick<Standing, 'status'>,
  grant: Pick<Standing['grants'][number], 'status'>,
): string => (status === 'revoked' && grant.status === 'active' ? 'account revoked' : grant.status);

/** The grants that an account holds. */
export const heldRows = (standing: Pick<Standing, 'status' | 'grants'>): readonly GrantRow[] =>
  standing.grants.map((grant) => ({
    ...{ hash: grant.hash as Hex, id: grant.id as Hex, issuer: grant.issuer },
    ...{ status: grantStatus(standing, grant), isDefault: grant.is_default },
    ...{ validUntil: grant.valid_until, terms: readPolicy(grant.policy) },
  }));

/** The grants of an issuer to one agent that the agent does not hold, because it has not used them, or they ended before it could. */
export const offeredRows = (
  issued: readonly Issued[],
  issuer: string,
  agent: string,
  held: readonly Pick<GrantRow, 'hash'>[],
): readonly GrantRow[] =>
  issued
    .filter(({ account }) => account === agent)
    .filter(({ grant }) => !held.some(({ hash }) => hash === grant))
    .map((each) => ({
      ...{ hash: each.grant as Hex, id: each.id as Hex, issuer, status: each.status },
      ...{ validUntil: each.valid_until, isDefault: false, terms: readPolicy(each.policy) },
    }));
