import { remainingLimits } from '../../src/policy/evaluate.ts';
import { policyJson } from '../../src/policy/policy.ts';
import type { AssetId } from '../../src/protocol/account-id.ts';
import type {
  Standing,
  StandingQuestion,
  StandingVerdict,
} from '../../src/protocol/account/standing.ts';
import { max } from '../../src/protocol/amount.ts';
import { isFrozen } from './call/screening.ts';
import { labelHash } from './commands/label.ts';
import { type Context, type Decision, unstored } from './decision.ts';
import { purseOf } from './purse.ts';
import type { AccountState } from './state.ts';
import { exists, relationTo } from './tree/ancestors.ts';
import { defaultAmong } from './tree/call-grant.ts';
import { type HeldGrant, isLive, isRevoked } from './tree/grants.ts';
import { ancestorSources, ownSources } from './tree/sources.ts';

/**
 * Returns an account's standing to the accounts that may see it: its holder, whose signature the gateway has checked, an ancestor or an
 * operator. Reads only.
 */
export const standing = (
  state: AccountState,
  question: StandingQuestion,
  context: Context,
): Decision<StandingVerdict> => {
  const { by } = question;
  const maySee =
    by === undefined ||
    by.role === 'operator' ||
    relationTo(state, by.account, context.now) !== 'none';
  return unstored(
    state,
    exists(state) && maySee
      ? { verdict: 'found', standing: standingOf(state, context) }
      : { verdict: 'unknown_account' },
  );
};

const standingOf = (state: AccountState, context: Context): Standing => {
  const { account, tree, held, purses } = state;
  const live = held.filter((each) => isLive(tree, each, context.now));
  const fallback = defaultAmong(state, live);
  const [first] = Object.keys(purses) as AssetId[];
  const policies = sourcesOf(state, first, live, context);
  return {
    account,
    status: tree.status,
    operatorStatus: tree.operatorStatus ?? 'active',
    ownerStatus: tree.ownerStatus?.status ?? 'active',
    ...(tree.label === undefined ? {} : { label: tree.label }),
    etags: {
      ...(tree.operator && { operator: tree.operator.hash }),
      ...(tree.owner && { owner: tree.owner.hash }),
      ...(tree.label === undefined ? {} : { label: labelHash(tree.label) }),
    },
    revision: tree.revision,
    ...(tree.parent === undefined ? {} : { parent: tree.parent }),
    ...(isFrozen(state) ? { creditFrozen: true } : {}),
    policies,
    grants: held.map((each) => ({
      hash: each.grant.hash,
      id: each.grant.delegation.id,
      issuer: each.issuer,
      status: statusOf(tree, each, context.now),
      validUntil: Number(each.grant.delegation.validUntil),
      isDefault: each === fallback,
      policy: policyJson(each.policy),
    })),
    money: (Object.keys(purses) as AssetId[]).map((asset) => moneyOf(state, asset, live, context)),
  };
};

const statusOf = (
  tree: AccountState['tree'],
  held: HeldGrant,
  now: number,
): Standing['grants'][number]['status'] => {
  if (isRevoked(tree, held)) return 'revoked';
  const { validAfter, validUntil } = held.grant.delegation;
  if (BigInt(now) >= validUntil) return 'expired';
  return BigInt(now) < validAfter ? 'not_yet' : 'active';
};

const sourcesOf = (
  state: AccountState,
  asset: AssetId | undefined,
  live: readonly HeldGrant[],
  context: Context,
): Standing['policies'] => {
  const any = asset ?? 'eip155:0/erc20:0x';
  const all = [
    ...ownSources(state, any, undefined, context),
    ...live.flatMap((grant) => [
      ...ownSources(state, any, grant, context).slice(-1),
      ...ancestorSources(state, grant, context.now),
    ]),
  ];
  return [...new Map(all.map((each) => [each.key, each])).values()].flatMap(
    ({ origin: { kind, account, hash }, policy }) =>
      kind === 'lease' ? [] : [{ kind, account, hash, policy: policyJson(policy) }],
  );
};

const moneyOf = (
  state: AccountState,
  asset: AssetId,
  live: readonly HeldGrant[],
  context: Context,
): Standing['money'][number] => {
  const purse = purseOf(state, asset);
  const own = remainingLimits(ownSources(state, asset, undefined, context), context.now);
  const granted = live.flatMap((each) =>
    remainingLimits(ownSources(state, asset, each, context).slice(-1), context.now).map(
      (limit) => ({ ...limit, grant: each.grant.hash }),
    ),
  );
  return {
    asset,
    credit: max(0n, purse.credit).toString(),
    creditHeld: (purse.creditHeld + purse.creditLent).toString(),
    creditLent: purse.creditLent.toString(),
    held: (purse.deferredHeld + purse.upfrontHeld).toString(),
    unsettled: purse.unsettled.toString(),
    debt: max(0n, -purse.credit).toString(),
    limits: [...own, ...granted],
  };
};
