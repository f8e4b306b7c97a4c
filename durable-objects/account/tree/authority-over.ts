import canonicalize from 'canonicalize';
import type { Hex } from '../../../src/core/hex.ts';
import { sha256Hex, utf8 } from '../../../src/crypto/bytes.ts';
import { policyJson } from '../../../src/policy/policy.ts';
import { type AssetId, network, signedAsset } from '../../../src/protocol/account-id.ts';
import type {
  AncestorPolicy,
  Authority,
  LeaseRequest,
} from '../../../src/protocol/account/lease.ts';
import type { Context } from '../decision.ts';
import type { AccountState } from '../state.ts';
import { limitCounters, type NamedCounter } from './counters.ts';
import { issuedGrant, isZero } from './grants.ts';
import type { Tree } from './tree.ts';

/** An issuer's answer about a grant: the grant's state, and the counters that calls by it count in. */
export type AuthorityOver = {
  readonly authority: Authority;
  readonly asset: AssetId;
  readonly counters: (state: AccountState) => readonly NamedCounter[];
};

/** The issuer's answer about one of its grants: a grant must stay within its parent's limits also when it is used. */
export const authorityOver = (
  state: AccountState,
  { issued, asset, child, knows }: Pick<LeaseRequest, 'issued' | 'asset' | 'child' | 'knows'>,
  context: Context,
): AuthorityOver => {
  const { tree } = state;
  const policies = writtenPolicies(tree);
  const policiesHash = hashOf(policies.map(({ hash, writer }) => [hash, writer ?? null]));
  const grant = issuedGrant(context.read, issued)?.grant;
  // A free call may be in another asset. The share is in the grant's asset, or it would count in the wrong purse.
  const counted =
    grant === undefined ? asset : signedAsset(network(grant.chainId), grant.delegation.asset);
  return {
    authority: {
      revision: tree.revision,
      // The grant names its delegate. A deeper descendant proves its place by the chain of its own account.
      status: child === state.account ? 'unknown' : statusOf(state, issued, context),
      policiesHash,
      ...(knows === policiesHash ? {} : { policies }),
    },
    asset: counted,
    counters: (now) => countersOver(now, issued, counted, context),
  };
};

const statusOf = (state: AccountState, issued: Hex, context: Context): Authority['status'] => {
  if (state.tree.status !== 'active') return state.tree.status;
  const row = issuedGrant(context.read, issued);
  // An offer allows no spending until its delegate has consented.
  if (row === undefined || row.status === 'offered') return 'unknown';
  return grantStatus(state, row.grant.delegation, row.status, context);
};

/** The status of a grant, as its issuer sees it. */
export const grantStatus = (
  { tree, held }: AccountState,
  delegation: { readonly epoch: bigint; readonly validUntil: bigint; readonly parent: Hex },
  status: 'active' | 'revoked',
  { now }: Context,
): 'active' | 'revoked' | 'expired' => {
  if (status === 'revoked' || delegation.epoch < BigInt(tree.epochFloor)) return 'revoked';
  if (BigInt(now) >= delegation.validUntil) return 'expired';
  if (isZero(delegation.parent)) return 'active';
  // An account cannot let others use a grant that it no longer holds.
  const parent = held.find(({ grant }) => grant.hash === delegation.parent);
  if (parent?.status !== 'active') return 'revoked';
  return BigInt(now) >= parent.grant.delegation.validUntil ? 'expired' : 'active';
};

const countersOver = (
  state: AccountState,
  issued: Hex,
  asset: AssetId,
  context: Context,
): readonly NamedCounter[] => {
  const { operator, owner } = state.tree;
  const parent = issuedGrant(context.read, issued)?.grant.delegation.parent;
  const by = state.held.find(({ grant }) => grant.hash === parent);
  return [
    ...limitCounters(state, operator?.policy ?? context.policy, asset, context.now),
    ...(owner === undefined ? [] : limitCounters(state, owner.policy, asset, context.now)),
    ...(by === undefined
      ? []
      : limitCounters(state, by.policy, asset, context.now, `${by.grant.hash}/`)),
  ];
};

/** The operator's default is left out: it binds every account here anyway. */
const writtenPolicies = ({ operator, owner, ownerBy }: Tree): readonly AncestorPolicy[] => [
  ...(operator === undefined
    ? []
    : [{ kind: 'operator' as const, hash: operator.hash, document: policyJson(operator.policy) }]),
  ...(owner === undefined
    ? []
    : [
        {
          kind: 'owner' as const,
          hash: owner.hash,
          document: policyJson(owner.policy),
          ...(ownerBy === undefined ? {} : { writer: ownerBy }),
        },
      ]),
];

/** One hash for several values. */
export const hashOf = (parts: readonly unknown[]): Hex =>
  sha256Hex(utf8(canonicalize(parts) ?? ''));
