import { computed } from '@preact/signals';
import { createManagement, type Management } from '../../client/management.ts';
import type { Signer } from '../../client/signer.ts';
import { session } from '../session/session.ts';
import { walletSigner } from '../session/wallet-signer.ts';
import { wallets } from '../session/wallets.ts';
import { readBySession } from './reader.ts';

/** Signs nothing: the wallet of the session is not in this browser any more. */
const absentWallet = (address: `0x${string}`): Signer => ({
  address,
  signTypedData: () =>
    Promise.reject(
      new Error(
        'The wallet that you signed in with is not in this browser. Open it, then reload the page.',
      ),
    ),
});

/** The wallet that signed in, and the chain that it signs for. */
export type SessionWallet = { readonly signer: Signer; readonly chainId: number };

/** Asks the wallet of the session for each signature. Undefined without a session. */
export const sessionWallet = computed<SessionWallet | undefined>(() => {
  const current = session.value;
  if (current.state !== 'in') return undefined;
  const { wallet, signed } = current.session;
  const provider = wallets.value.find(({ id }) => id === wallet.id)?.provider;
  const signer =
    provider === undefined ? absentWallet(wallet.address) : walletSigner(provider, wallet.address);
  return { signer, chainId: signed.chainId };
});

/**
 * The management API for the signed-in account: reads are signed by the key of the session, and each change by the wallet, which shows what
 * it signs.
 */
export const gateway = computed<Management | undefined>(() => {
  const wallet = sessionWallet.value;
  if (wallet === undefined) return undefined;
  return createManagement({
    gateway: location.origin,
    account: wallet.signer,
    chainId: wallet.chainId,
    reader: readBySession,
  });
});
