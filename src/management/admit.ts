import type { Relation } from '../protocol/account/relation.ts';
import type { CommandSigner } from '../protocol/account/signer.ts';
import { isReceiver } from '../config.ts';
import { type AccountId, accountId } from '../protocol/account-id.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { err, ok, type Result } from '../core/result.ts';
import type { CheckedProof } from '../gateway/paid-request.ts';
import { TOO_MANY } from '../gateway/rate-limit.ts';
import { verifyOnChain, type OnChainCheck } from '../gateway/verify-on-chain.ts';
import type { Role } from './route.ts';
import type { Route } from './routes.ts';
import type { AdminContext } from './admin-context.ts';

/**
 * Whether whoever signed may use a route, about this account where it is about one. The only place where that is decided, and before
 * anything is said about what exists: an account that is not there and one that is not the asker's are the same 404.
 */
export const admit = (
  context: AdminContext,
  route: Pick<Route, 'roles'>,
  account: AccountId | undefined,
  asker: CheckedProof,
  client: string,
): Promise<Result<CommandSigner, Reason>> =>
  account === undefined || !isAboutKin(route)
    ? admitOperator(context, route, asker, client)
    : admitKin(context, route, account, asker, client);

/** Whether a route is for others than operators, by what they are to its account. */
export const isAboutKin = ({ roles }: Pick<Route, 'roles'>): boolean =>
  roles.some((role) => role !== 'operator');

/** Nobody hears who the operators are: a name that is one, under somebody else's signature, gets what any other gets. */
const admitOperator = async (
  context: AdminContext,
  route: Pick<Route, 'roles'>,
  asker: CheckedProof,
  client: string,
): Promise<Result<CommandSigner, Reason>> => {
  const forbidden = err<Reason>({ reason: 'forbidden' });
  if (!isNamed(context, asker) || !route.roles.includes('operator')) {
    // Counted all the same: whoever asks too often must not learn by it whom he has named.
    return (await context.rateLimit(client)) ? forbidden : err(TOO_MANY);
  }
  // No account remembers an operator, so the chain says each time whether its key may sign for it (§4.7).
  const vouched = await verifyOnChain(context, asker, client);
  if (!vouched.ok) {
    return vouched.error.reason === 'invalid_signature' ? forbidden : vouched;
  }
  if (!isOperator(context, asker, vouched.value)) return forbidden;
  const { checkedAt } = vouched.value;
  return ok({ account: accountId(asker.network, asker.payer), role: 'operator', ...checkedAt });
};

const admitKin = async (
  context: AdminContext,
  route: Pick<Route, 'roles'>,
  account: AccountId,
  asker: CheckedProof,
  client: string,
): Promise<Result<CommandSigner, Reason>> => {
  // Before the account is asked, so that a signature that does not count is refused alike for every account.
  const vouched = await verifyOnChain(context, asker, client);
  if (!vouched.ok) return vouched;
  const by = accountId(asker.network, asker.payer);
  const kin = await kinOf(context, account, by);
  if (kin.verdict === 'unavailable') return err({ reason: 'storage_unavailable' });
  const operator = isOperator(context, asker, vouched.value);
  // What the gateway keeps under the receiver's name is its operators'; whose key that is has no say in it, nor who granted it something.
  const has = isReceiver(context.config, account)
    ? rolesOf(NOBODY, operator)
    : rolesOf(kin, operator);
  if (!kin.exists || has.length === 0) return err({ reason: 'unknown_account' });
  // An operator, or the account itself, may read it: that it is there is no secret to them.
  if (!has.some((role) => route.roles.includes(role))) return err({ reason: 'forbidden' });
  const asOperator = has.includes('operator') && route.roles.includes('operator');
  const role = asOperator ? 'operator' : 'owner';
  return ok({ account: by, role, ...vouched.value.checkedAt });
};

const isNamed = ({ config }: AdminContext, { payer }: CheckedProof): boolean =>
  config.operators.includes(payer);

/**
 * Operators are known by address, on any network: a key is the same everywhere. A contract is not. On a chain where nobody has put it yet,
 * somebody else may, under the same address; so it counts on the first network alone.
 */
const isOperator = (context: AdminContext, asker: CheckedProof, { facts }: OnChainCheck): boolean =>
  isNamed(context, asker) && (!facts.hasCode || asker.network === context.config.networks[0]);

const NOBODY = { relation: 'none', hasParent: true } as const;

const rolesOf = (
  {
    relation,
    hasParent,
  }: Pick<Extract<Relation, { readonly verdict: 'found' }>, 'relation' | 'hasParent'>,
  operator: boolean,
): readonly Role[] => [
  ...(operator ? (['operator'] as const) : []),
  ...(relation === 'ancestor' ? (['above'] as const) : []),
  ...(relation === 'self' ? (['self'] as const) : []),
  ...(relation === 'self' && !hasParent ? (['sovereign'] as const) : []),
];

/** Any error on the way is a refusal (law 2). */
const kinOf = async (
  context: AdminContext,
  account: AccountId,
  by: AccountId,
): Promise<Relation> => {
  try {
    return await context.account(account).relation({ by });
  } catch (cause) {
    console.error({ event: 'kin_failed', account, cause: String(cause) });
    return { verdict: 'unavailable' };
  }
};
