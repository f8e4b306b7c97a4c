import { hashDelegation, signDelegation } from '../../client/delegation.ts';
import type { Signer } from '../../client/signer.ts';
import type { Hex } from '../../core/hex.ts';
import type { AnswerOf } from '../../management/routes.ts';
import { type AccountId, parseAccountId } from '../../protocol/account-id.ts';
import type { AgentDelegation } from '../../protocol/intent/agent-delegation.ts';
import { type AdminClient, networkOf } from '../lib/admin-client.ts';
import { isRefusal, usageError } from '../lib/errors.ts';
import type { Input } from '../lib/input.ts';
import { sendDocument } from '../lib/signed-document.ts';
import { delegationIn } from './terms.ts';

/** A grant that the gateway has registered. */
export type Issued = {
  readonly hash: Hex;
  readonly delegation: AgentDelegation;
  /** The signed delegation, as documents show it. */
  readonly document: Awaited<ReturnType<typeof signDelegation>>;
  readonly warnings: unknown;
};

/**
 * Signs the grant that the options describe with the key of `admin`, and registers it. With the agent's key, which consents, it binds at
 * once.
 *
 * @throws CliError
 */
export const issueGrant = async (
  admin: AdminClient,
  account: AccountId,
  input: Input,
  agent: Signer | undefined,
): Promise<Issued> => {
  const { chainId, asset, network } = await networkOf(admin, account);
  const delegate = parseAccountId(account)?.address;
  if (delegate === undefined || delegate === admin.self)
    throw usageError(
      'An account cannot grant to itself.',
      'Name an agent, e.g. `countersign grant team/alice --per-day 1`.',
    );
  const parent = (input.text('below') as Hex | undefined) ?? (await ownDefaultGrant(admin));
  const parties = { issuer: admin.self, delegate, audience: admin.gateway, asset, parent };
  const delegation = delegationIn(parties, input, admin.session.now());
  const document = await signDelegation(admin.signer, chainId, delegation);
  const { warnings } = await sendDocument(
    admin,
    { method: 'PUT', path: '/delegations', body: document },
    agent && { signer: agent, network },
  );
  return { hash: hashDelegation(chainId, delegation), delegation, document, warnings };
};

/** The status of an account, and the grants that it consented to; none if the issuer may not see the account. */
export const grantsOf = async (
  admin: AdminClient,
  account: AccountId,
): Promise<Pick<AnswerOf<'account.get'>, 'status' | 'grants'>> => {
  try {
    return (await admin.call('account.get', { params: { account } })).body;
  } catch (thrown) {
    if (isRefusal(thrown, 'unknown_account')) return { status: 'active', grants: [] };
    throw thrown;
  }
};

/** The default grant of the issuer itself; an owner has none. */
const ownDefaultGrant = async (admin: AdminClient): Promise<Hex | undefined> =>
  (await grantsOf(admin, await admin.own())).grants.find(
    (grant) => grant.is_default && grant.status === 'active',
  )?.hash;
