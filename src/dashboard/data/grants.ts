import { problemIn, CountersignError } from '../../client/errors.ts';
import { hashDelegation, signDelegation, signRevocation } from '../../client/delegation.ts';
import { readJsonBody, isRecord } from '../../client/json.ts';
import { type Hex, random32, ZERO_ADDRESS, ZERO_HASH } from '../../core/hex.ts';
import { network } from '../../protocol/account-id.ts';
import type { AgentDelegation } from '../../protocol/intent/agent-delegation.ts';
import { tokenOf } from '../../protocol/x402/networks.ts';
import type { SessionWallet } from './gateway.ts';
import type { GrantTerms } from './grant-form.ts';
import { gatewayNow } from './reader.ts';

const DAY_SECONDS = 86_400n;

/**
 * A grant with these terms by the wallet of the session.
 *
 * @param parent the grant that it is a part of; undefined if the issuer is an owner
 */
export const delegationOf = (
  { signer, chainId }: SessionWallet,
  { delegate, maxPerDay, maxTotal, maxPerCall, tools, payees, validUntil, depth }: GrantTerms,
  parent: Hex | undefined,
): AgentDelegation => ({
  issuer: signer.address,
  delegate,
  audience: location.origin,
  tools,
  payees,
  asset: maxTotal === 0n ? ZERO_ADDRESS : (tokenOf(network(chainId))?.address ?? ZERO_ADDRESS),
  maxPerCall,
  maxTotal,
  windowSeconds: maxPerDay === undefined ? 0n : DAY_SECONDS,
  maxPerWindow: maxPerDay ?? 0n,
  validAfter: 0n,
  validUntil: BigInt(validUntil),
  // A revocation of all grants raises the issuer's epoch to its own time: it ends every earlier grant and no later one.
  epoch: BigInt(gatewayNow()),
  depth,
  id: random32(),
  parent: parent ?? ZERO_HASH,
});

const MAX_ANSWER = 65_536;
const TIMEOUT_MS = 30_000;

/** Sends a document whose own signature authorises it, so that no other proof is needed. @throws CountersignError `refused` */
const send = async (
  method: 'PUT' | 'POST',
  path: string,
  body: unknown,
): Promise<Readonly<Record<string, unknown>>> => {
  const response = await fetch(path, {
    method,
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
    cache: 'no-store',
    redirect: 'manual',
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (response.ok) {
    const answer = await readJsonBody(response, MAX_ANSWER, TIMEOUT_MS);
    return isRecord(answer) ? answer : {};
  }
  const problem = await problemIn(response, TIMEOUT_MS);
  const why = problem?.detail ?? problem?.title ?? `The gateway answered ${response.status}.`;
  throw new CountersignError('refused', why, {
    response,
    ...(problem === undefined ? {} : { problem }),
  });
};

/** Signs a grant with the wallet and registers it. It binds once the agent consents. @returns its hash @throws CountersignError */
export const issueGrant = async (
  { signer, chainId }: SessionWallet,
  delegation: AgentDelegation,
): Promise<Hex> => {
  await send('PUT', '/delegations', await signDelegation(signer, chainId, delegation));
  return hashDelegation(chainId, delegation);
};

/** How many accounts stopped at once, and how many stop when their lease ends, within 60 s. */
export type Revoked = { readonly stopped: number; readonly stopping: number };

/** Signs the revocation of a grant with the wallet, and sends it. @throws CountersignError */
export const revokeGrant = async (
  { signer, chainId }: SessionWallet,
  id: Hex,
): Promise<Revoked> => {
  const issuedAt = BigInt(gatewayNow());
  const body = { issuer: signer.address, id, epoch: 0n, issuedAt };
  const answer = await send('POST', '/revocations', await signRevocation(signer, chainId, body));
  const lengthOf = (list: unknown): number => (Array.isArray(list) ? list.length : 0);
  return { stopped: lengthOf(answer['acknowledged']), stopping: lengthOf(answer['silent']) };
};
