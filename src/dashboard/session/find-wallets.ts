import type { Provider } from './wallet.ts';
import { addAnnounced, addWallet, type Announcement, wallets } from './wallets.ts';

/** Listens for wallets, and asks the wallets that are already loaded to announce themselves. */
export const findWallets = (): void => {
  addEventListener('eip6963:announceProvider', (event) =>
    addAnnounced((event as CustomEvent<Announcement>).detail),
  );
  dispatchEvent(new Event('eip6963:requestProvider'));
  const injected = (globalThis as { readonly ethereum?: Provider }).ethereum;
  if (injected !== undefined && wallets.value.length === 0) {
    addWallet({ id: 'injected', name: 'Browser wallet', provider: injected });
  }
};
