import { countersigned } from '../../client/signer.ts';
import { nowSeconds, type Seconds } from '../../core/clock.ts';
import {
  AGENT_SESSION_TYPE,
  type AgentSession,
  MAX_SESSION,
} from '../../protocol/intent/agent-session.ts';
import { encodeBase64Url, hexOf } from '../../crypto/bytes.ts';
import { thumbprint } from '../../crypto/thumbprint.ts';
import { sessionStore } from './session-store.ts';
import { tabStorage } from './tab-storage.ts';
import { createTabSession, type SessionMessage } from './tab-session.ts';
import { chooseAccount, walletSigner } from './wallet-signer.ts';
import { keptName, type Wallet } from './wallet.ts';
import { chooseWallet } from './wallets.ts';
import type { BrowserKey } from './stored-session.ts';

/** Makes an Ed25519 key. @throws DOMException `NotSupportedError` in a browser without Ed25519 */
const newBrowserKey = async (): Promise<BrowserKey> => {
  const pair = (await crypto.subtle.generateKey('Ed25519', false, [
    'sign',
    'verify',
  ])) as CryptoKeyPair;
  const raw = new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey));
  const keyId = await thumbprint(encodeBase64Url(raw));
  return { privateKey: pair.privateKey, publicKey: hexOf(raw), keyId };
};

const ACCOUNT = 'countersign-account';

const channel = new BroadcastChannel('countersign-session');

/** The session of this tab, shared with the other tabs of the browser. */
export const {
  session,
  self,
  resume: resumeSession,
  end: endLocally,
  leave: signOut,
  enter,
  receive,
  recheck,
} = createTabSession({
  store: sessionStore,
  post: (message) => channel.postMessage(message),
  recall: () => tabStorage.get(ACCOUNT),
  remember: (account) => tabStorage.set(ACCOUNT, account),
  now: nowSeconds,
});

channel.onmessage = ({ data }: MessageEvent<SessionMessage>) => receive(data);

// A page that comes back from the back/forward cache, or from hours in the background.
addEventListener('pageshow', () => void recheck());
document.addEventListener('visibilitychange', () => {
  if (document.visibilityState === 'visible') void recheck();
});

/**
 * Signs in: the wallet lets a new key of this browser read for eight hours.
 *
 * @param clock the time at the gateway. With a slow clock, a session after "sign out everywhere" would have begun before it, and be ended.
 * @throws what the wallet throws
 */
export const signIn = async (
  wallet: Wallet,
  chainId: number,
  clock: () => Seconds,
): Promise<void> => {
  const address = await chooseAccount(wallet.provider);
  chooseWallet(wallet);
  const key = await newBrowserKey();
  const now = clock();
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
  await enter({
    key,
    signed: { chainId, session: asked, signature },
    wallet: { id: keptName(wallet), address },
  });
};
