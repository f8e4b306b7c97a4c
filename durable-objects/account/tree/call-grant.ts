import type { Seconds } from '../../../src/core/clock.ts';
import type { Call, GrantProof } from '../../../src/protocol/account/call.ts';
import { isFiat } from '../../../src/protocol/fiat-asset.ts';
import type { Denial } from '../../../src/protocol/account/denial.ts';
import type { AccountState } from '../state.ts';
import { type HeldGrant, isLive, linksOf } from './grants.ts';

/** Whether a call may be made: by a grant that its account holds, or without one if the account was never granted one. */
export type GrantChoice =
  | { readonly chosen: true; readonly grant: HeldGrant | undefined }
  | { readonly chosen: false; readonly denial: Pick<Denial, 'rule' | 'retryAllowed' | 'grant'> };

/** How long a contract issuer's confirmation of its signature is valid. */
const CONTRACT_SECONDS: Seconds = 60;

/**
 * The grant of a call without `authority`: the account's default grant while it is live, else the live grant that it took last. So a newer
 * grant replaces an older one, and a revoked one does not block its successor.
 */
export const defaultAmong = (
  { tree }: Pick<AccountState, 'tree'>,
  live: readonly HeldGrant[],
): HeldGrant | undefined =>
  live.find(({ grant }) => grant.hash === tree.defaultGrant) ?? live.at(-1);

/**
 * The grant of a call (`docs/wire-format.md` §16): the one its intent names, else the account's default. A grant in fiat is the default
 * only for calls in fiat, so an agent may hold a budget in both kinds of money. An account that ever took a grant never calls without one:
 * a revoked agent does not become a stranger (law 8).
 */
export const chooseGrant = (
  state: AccountState,
  call: Pick<Call, 'authority' | 'audience' | 'asset'>,
  now: Seconds,
): GrantChoice => {
  const { held, tree } = state;
  const refuse = (rule: Denial['rule'], grant?: HeldGrant): GrantChoice => ({
    chosen: false,
    denial: {
      rule,
      retryAllowed: false,
      ...(grant === undefined ? {} : { grant: grant.grant.hash }),
    },
  });
  const usable = held.filter(isUsable);
  const named = namedIn(usable, call);
  if (call.authority !== undefined && named === undefined) return refuse('authority');
  if (!tree.governed && named === undefined) return { chosen: true, grant: undefined };
  // A grant for one origin of this gateway does not apply to another one.
  const isHere = ({ grant }: HeldGrant): boolean =>
    call.audience === undefined || grant.delegation.audience === call.audience;
  const live = usable.filter(
    (each) =>
      isLive(tree, each, now) && isHere(each) && each.grant.delegation.validAfter <= BigInt(now),
  );
  const isSameKind = ({ policy }: HeldGrant): boolean =>
    policy.assets?.some(isFiat) === isFiat(call.asset);
  const grant =
    named ??
    defaultAmong(state, live.filter(isSameKind)) ??
    defaultAmong(state, live) ??
    // No grant is live: the newest one gives the reason of the denial.
    usable.at(-1);
  if (grant === undefined) return refuse('expired');
  if (grant.status === 'revoked') return refuse('revoked', grant);
  return isHere(grant) ? { chosen: true, grant } : refuse('authority', grant);
};

/** Whether a call names a grant that its account has not taken. */
export const namesUntaken = ({ held }: AccountState, call: Call): boolean =>
  call.authority !== undefined && namedIn(held.filter(isUsable), call) === undefined;

/** A grant of a former parent must be taken anew. */
const isUsable = ({ status }: HeldGrant): boolean => status !== 'superseded';

const namedIn = (
  usable: readonly HeldGrant[],
  { authority }: Pick<Call, 'authority'>,
): HeldGrant | undefined => usable.find(({ grant }) => grant.hash === authority);

/** Signatures of contract issuers that were not confirmed lately: a contract may withdraw its signature (ERC-1271). */
export const staleProofs = (
  state: AccountState,
  grant: HeldGrant | undefined,
  now: Seconds,
): readonly GrantProof[] =>
  grant === undefined
    ? []
    : linksOf(grant)
        .filter(
          ({ contractCheckedAt, hash }) =>
            contractCheckedAt !== undefined &&
            now - (state.grantChecks[hash] ?? 0) >= CONTRACT_SECONDS,
        )
        .map(({ hash, delegation, signature }) => ({
          hash,
          issuer: delegation.issuer,
          signature,
        }));
