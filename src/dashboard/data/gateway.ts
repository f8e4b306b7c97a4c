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
      new Error('The wallet that signed in is not in this browser. Open it, then reload.'),
    ),
});

/**
 * The management API for whoever is signed in: reads are signed by the key of the session, and each change by the wallet, which shows what
 * it signs.
 */
export const gateway = computed<Management | undefined>(() => {
  const current = session.value;
  if (current.state !== 'in') return undefined;
  const { wallet, signed } = current.session;
  const provider = wallets.value.find(({ id }) => id === wallet.id)?.provider;
  return createManagement({
    gateway: location.origin,
    account:
      provider === undefined
        ? absentWallet(wallet.address)
        : walletSigner(provider, wallet.address),
    chainId: signed.chainId,
    reader: readBySession,
  });
});
