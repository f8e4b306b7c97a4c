import { hashDelegation, signDelegation, signRevocation } from '../../../client/delegation.ts';
import { type Hex, random32, ZERO_ADDRESS, ZERO_HASH } from '../../../core/hex.ts';
import { network } from '../../../protocol/account-id.ts';
import type { AgentDelegation } from '../../../protocol/intent/agent-delegation.ts';
import { USD, USD_ADDRESS } from '../../../protocol/fiat-asset.ts';
import { tokenOf } from '../../../protocol/x402/networks.ts';
import { fetchSigned, type SessionWallet, sessionWallet } from '../gateway/gateway.ts';
import type { GrantTerms } from './grant-form.ts';
import { sendDocument } from './send-document.ts';
import { signedOut } from '../gateway/own-reader.ts';
import { gatewayNow } from '../gateway/gateway-clock.ts';

const DAY_SECONDS = 86_400n;

/**
 * A grant with these terms by the wallet of the session.
 *
 * @param parent the parent grant; undefined if the issuer is an owner
 */
const delegationOf = (
  { signer, chainId }: SessionWallet,
  terms: GrantTerms,
  parent: Hex | undefined,
): AgentDelegation => {
  const { asset, delegate, maxPerDay, maxTotal, maxPerCall, tools, payees, validUntil, depth } =
    terms;
  const token = tokenOf(network(chainId))?.address ?? ZERO_ADDRESS;
  return {
    issuer: signer.address,
    delegate,
    audience: location.origin,
    tools,
    payees,
    asset: maxTotal === 0n ? ZERO_ADDRESS : asset === USD ? USD_ADDRESS : token,
    maxPerCall,
    maxTotal,
    windowSeconds: maxPerDay === undefined ? 0n : DAY_SECONDS,
    maxPerWindow: maxPerDay ?? 0n,
    validAfter: 0n,
    validUntil: BigInt(validUntil),
    // A revocation of all grants raises the issuer's epoch to the time of the revocation, so it ends every earlier grant and no later one.
    epoch: BigInt(gatewayNow()),
    depth,
    id: random32(),
    parent: parent ?? ZERO_HASH,
  };
};

/** A change that the wallet signs once: after a lost answer it sends the same document again, and makes nothing twice. */
const signedOnce = <T, R>(
  sign: () => Promise<T>,
  sendIt: (signed: T) => Promise<R>,
): (() => Promise<R>) => {
  let signed: T | undefined;
  return async () => {
    signed ??= await sign();
    return await sendIt(signed);
  };
};

const walletNow = (): SessionWallet => {
  const wallet = sessionWallet.value;
  if (wallet === undefined) throw signedOut();
  return wallet;
};

/** A grant that its issuer has registered. */
export type IssuedGrant = {
  readonly hash: Hex;
  readonly chainId: number;
  readonly delegation: AgentDelegation;
};

/**
 * Signs a grant with the wallet and registers it. It binds once the agent consents.
 *
 * @throws CountersignError
 */
export const grantOnce = (
  terms: GrantTerms,
  parent: Hex | undefined,
): (() => Promise<IssuedGrant>) =>
  signedOnce(
    async () => {
      const wallet = walletNow();
      const delegation = delegationOf(wallet, terms, parent);
      const { account, signer, chainId } = wallet;
      const body = await signDelegation(signer, chainId, delegation);
      return { account, chainId, delegation, body };
    },
    async ({ account, chainId, delegation, body }) => {
      await sendDocument('PUT', '/delegations', body, fetchSigned(account));
      return { hash: hashDelegation(chainId, delegation), chainId, delegation };
    },
  );

/** The number of accounts that stopped at once, and of those that stop when their lease ends, within 60 s. */
export type Revoked = { readonly stopped: number; readonly stopping: number };

/** Signs the revocation of a grant with the wallet, and sends it. @throws CountersignError */
export const revokeOnce = (id: Hex): (() => Promise<Revoked>) =>
  signedOnce(
    async () => {
      const { account, signer, chainId } = walletNow();
      const issuedAt = BigInt(gatewayNow());
      const revocation = { issuer: signer.address, id, epoch: 0n, issuedAt };
      return { account, body: await signRevocation(signer, chainId, revocation) };
    },
    async ({ account, body }) => {
      const answer = await sendDocument('POST', '/revocations', body, fetchSigned(account));
      const lengthOf = (list: unknown): number => (Array.isArray(list) ? list.length : 0);
      return { stopped: lengthOf(answer['acknowledged']), stopping: lengthOf(answer['silent']) };
    },
  );
