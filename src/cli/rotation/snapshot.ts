import * as z from 'zod/mini';
import { hashDelegation } from '../../client/delegation.ts';
import type { Hex } from '../../core/hex.ts';
import type { AnswerOf } from '../../management/routes.ts';
import type { AccountId } from '../../protocol/account-id.ts';
import {
  type AgentDelegation,
  agentDelegationSchema,
} from '../../protocol/intent/agent-delegation.ts';
import { type AdminClient, collected, type GatewayNetwork } from '../lib/admin-client.ts';
import { CliError } from '../lib/errors.ts';
import type { OldGrant } from './plan.ts';
import { usedOf } from './used.ts';

/** An account at one moment: its standing, and the live grants of the signing owner, each with its signed terms and its counted spend. */
export type Snapshot = {
  readonly standing: AnswerOf<'account.get'>;
  readonly grants: readonly OldGrant[];
  /** Live grants of other issuers, which only those issuers can carry over. */
  readonly foreign: readonly Hex[];
};

const evidenceSchema = z.object({ delegation: agentDelegationSchema });

/** Reads an account and the terms of its grants. @throws CliError if the gateway shows no terms that have the hash of the grant */
export const snapshotOf = async (
  admin: AdminClient,
  account: AccountId,
  { network, chainId }: GatewayNetwork,
): Promise<Snapshot> => {
  const terms = await termsOf(admin, account, chainId);
  const { body: standing } = await admin.call('account.get', { params: { account } });
  const live = standing.grants.filter(({ status }) => status === 'active');
  const delegations = live.map(({ hash }) => {
    const delegation = terms.get(hash);
    if (delegation === undefined) throw unreadable(hash);
    return delegation;
  });
  const used = usedOf(standing, delegations, network);
  if (used === undefined) throw unreadable(account);
  const all = delegations.flatMap((delegation, at) => {
    const [grant, counted] = [live[at], used[at]];
    return grant === undefined || counted === undefined
      ? []
      : [{ hash: grant.hash as Hex, delegation, used: counted }];
  });
  const own = all.filter(({ delegation }) => delegation.issuer === admin.self);
  const foreign = all.filter((grant) => !own.includes(grant)).map(({ hash }) => hash);
  return { standing, grants: own, foreign };
};

/**
 * The terms of every grant that the account took, by hash, from its log. The hash of each is computed here: a gateway could otherwise have
 * the owner sign other terms.
 */
const termsOf = async (
  admin: AdminClient,
  account: AccountId,
  chainId: number,
): Promise<ReadonlyMap<string, AgentDelegation>> => {
  const request = { params: { account }, query: { type: 'grant.taken' } };
  const entries = await collected(admin, admin.list('account.entries', request));
  const terms = new Map<string, AgentDelegation>();
  for (const { evidence } of entries) {
    const read = evidenceSchema.safeParse(evidence);
    if (read.success)
      terms.set(hashDelegation(chainId, read.data.delegation), read.data.delegation);
  }
  return terms;
};

const unreadable = (what: string): CliError =>
  new CliError(`The gateway does not show the terms or the limits of ${what}.`, {
    hint: 'A grant of the last seconds may not be in the log yet: try again in a minute. Otherwise carry the budget over by hand, as docs/keys.md says.',
    code: 'unknown_grant',
  });
