import { isReceiver } from '../config/config.ts';
import { err, ok, type Result } from '../core/result.ts';
import { TOO_MANY } from '../gateway/rate-limit.ts';
import { verifyByContract } from '../gateway/verify-control.ts';
import type { SignatureCheck } from '../gateway/verify-signature.ts';
import type { AdminContext } from './handler.ts';
import type { AdminRole } from './route.ts';
import type { AdminRoute } from './routes.ts';
import { type Signer, verifySigner } from './signer.ts';
import { accountId, type AccountId } from '../protocol/account-id.ts';
import type { CommandSigner } from '../protocol/account/command.ts';
import type { Relation } from '../protocol/account/standing.ts';
import type { Reason } from '../protocol/problem/reason.ts';

type Roles = Pick<AdminRoute, 'roles' | 'movesMoney'>;

/**
 * Authorises a request: checks that its signer has a role of the route, for the account in its path if there is one. Only this function
 * decides that, and it runs before any look-up: an unknown account and a stranger's account give the same 404, so the API leaks nothing.
 */
export const authorise = (
  context: AdminContext,
  route: Roles,
  account: AccountId | undefined,
  proof: Signer,
  client: string,
): Promise<Result<CommandSigner, Reason>> =>
  account === undefined || isForOperatorsOnly(route)
    ? admitOperator(context, route, proof, client)
    : admitByRelation(context, route, account, proof, client);

export const isForOperatorsOnly = ({ roles }: Roles): boolean =>
  roles.every((role) => role === 'operator');

/**
 * An operator's address with an invalid signature gets the same 403 as any other address: the API does not reveal who the operators are.
 */
const admitOperator = async (
  context: AdminContext,
  route: Roles,
  proof: Signer,
  client: string,
): Promise<Result<CommandSigner, Reason>> => {
  const forbidden = err<Reason>({ reason: 'forbidden' });
  if (!isListed(context, proof) || !route.roles.includes('operator')) {
    // Counts like the chain look-up for a listed address. Otherwise the rate limit would reveal which addresses are listed.
    return (await context.rateLimit(client)) ? forbidden : err(TOO_MANY);
  }
  const verified =
    route.movesMoney === true
      ? await verifyByContract(context, proof, client)
      : await verifySigner(context, proof, client);
  if (!verified.ok) {
    return verified.error.reason === 'invalid_signature' ? forbidden : verified;
  }
  if (!isOperator(context, proof, verified.value)) return forbidden;
  const account = accountId(proof.network, proof.payer);
  return ok({ account, role: 'operator', ...verified.value });
};

const admitByRelation = async (
  context: AdminContext,
  route: Roles,
  account: AccountId,
  proof: Signer,
  client: string,
): Promise<Result<CommandSigner, Reason>> => {
  // Verifies before it reads the relation, so that an invalid signature gets the same refusal for every account.
  const verified = await verifySigner(context, proof, client);
  if (!verified.ok) return verified;
  const by = accountId(proof.network, proof.payer);
  const relation = await relationOf(context, account, by);
  if (relation.verdict === 'unavailable') return err({ reason: 'storage_unavailable' });
  const operator = isOperator(context, proof, verified.value);
  // The payee's account may hold the gateway's own documents: only operators may read it, neither the holder of its key nor its ancestors.
  const has = isReceiver(context.config, account)
    ? rolesOf(STRANGER, operator)
    : rolesOf(relation, operator);
  if (!relation.exists || has.length === 0) return err({ reason: 'unknown_account' });
  // A signer with a role for the account knows that it exists, so 403 leaks nothing.
  if (!has.some((role) => route.roles.includes(role))) return err({ reason: 'forbidden' });
  const asOperator = has.includes('operator') && route.roles.includes('operator');
  const role = asOperator ? 'operator' : 'owner';
  return ok({ account: by, role, ...verified.value });
};

const isListed = ({ config }: AdminContext, { payer }: Signer): boolean =>
  config.operators.includes(payer);

/**
 * An operator is listed by address, and a key has the same address on every chain. A contract does not: a stranger may deploy another one
 * under the same address on a chain where the operator has none. So a contract is an operator on the first network only.
 */
export const isOperator = (
  context: AdminContext,
  proof: Signer,
  { contractCheckedAt }: SignatureCheck,
): boolean =>
  isListed(context, proof) &&
  (contractCheckedAt === undefined || proof.network === context.config.networks[0]);

type FoundRelation = Pick<
  Extract<Relation, { readonly verdict: 'found' }>,
  'relation' | 'hasParent'
>;

const STRANGER: FoundRelation = { relation: 'none', hasParent: true };

const rolesOf = (
  { relation, hasParent }: FoundRelation,
  operator: boolean,
): readonly AdminRole[] => [
  ...(operator ? (['operator'] as const) : []),
  ...(relation === 'ancestor' ? (['above'] as const) : []),
  ...(relation === 'self' ? (['self'] as const) : []),
  ...(relation === 'self' && !hasParent ? (['sovereign'] as const) : []),
];

/** Any error is a refusal (law 2). */
const relationOf = async (
  context: AdminContext,
  account: AccountId,
  by: AccountId,
): Promise<Relation> => {
  try {
    return await context.account(account).relation({ by });
  } catch (cause) {
    console.error({ event: 'relation_failed', account, cause: String(cause) });
    return { verdict: 'unavailable' };
  }
};
