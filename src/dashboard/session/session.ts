import { computed, signal } from '@preact/signals';
import { countersigned } from '../../client/signer.ts';
import { nowSeconds } from '../../core/clock.ts';
import type { Hex } from '../../core/hex.ts';
import { accountId, type AccountId, network } from '../../protocol/account-id.ts';
import {
  AGENT_SESSION_TYPE,
  type AgentSession,
  MAX_SESSION,
} from '../../protocol/intent/agent-session.ts';
import { newBrowserKey } from './browser-key.ts';
import { forgetSession, keepSession, readSession, type StoredSession } from './session-store.ts';
import { chooseAccount, walletSigner } from './wallet-signer.ts';
import type { Wallet } from './wallet.ts';

/** `unknown` until IndexedDB has answered. `ended`: the gateway refused it; the page keeps what a person has typed. */
export type SessionState =
  | { readonly state: 'unknown' | 'out' }
  | { readonly state: 'in' | 'ended'; readonly session: StoredSession };

export const session = signal<SessionState>({ state: 'unknown' });

/** The account that is signed in. */
export const self = computed<AccountId | undefined>(() => {
  const current = session.value;
  if (current.state !== 'in' && current.state !== 'ended') return undefined;
  const { chainId, session: signed } = current.session.signed;
  return accountId(network(chainId), signed.account);
});

/** Continues the session of an earlier visit, if it has not expired. */
export const resumeSession = async (): Promise<void> => {
  const stored = await readSession();
  const isValid = stored !== undefined && Number(stored.signed.session.validBefore) > nowSeconds();
  session.value = isValid ? { state: 'in', session: stored } : { state: 'out' };
};

/**
 * Signs in: the wallet lets a new key of this browser read for eight hours.
 *
 * @throws what the wallet throws
 */
export const signIn = async (wallet: Wallet, chainId: number): Promise<void> => {
  const address = await chooseAccount(wallet.provider);
  const key = await newBrowserKey();
  const now = nowSeconds();
  const asked: AgentSession = {
    account: address,
    audience: location.origin,
    scope: 'read',
    key: key.publicKey,
    validAfter: BigInt(now),
    validBefore: BigInt(now + MAX_SESSION),
  };
  const data = countersigned(AGENT_SESSION_TYPE, { ...asked }, chainId);
  const signature = await walletSigner(wallet.provider, address).signTypedData(data);
  const stored: StoredSession = {
    key,
    signed: { chainId, session: asked, signature },
    wallet: { id: wallet.id, address },
  };
  await keepSession(stored);
  session.value = { state: 'in', session: stored };
};

/** Marks the session as refused by the gateway. */
export const endLocally = (key: Hex): void => {
  const current = session.value;
  // An answer to a request of an earlier session says nothing about this one.
  if (current.state !== 'in' || current.session.key.publicKey !== key) return;
  session.value = { state: 'ended', session: current.session };
};

/** Forgets the session in this browser. The caller ends it at the gateway first. */
export const signOut = async (): Promise<void> => {
  await forgetSession();
  session.value = { state: 'out' };
};
