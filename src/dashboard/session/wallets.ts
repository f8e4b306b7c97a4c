import { signal } from '@preact/signals';
import type { Provider, Wallet } from './wallet.ts';

type Announcement = CustomEvent<{
  readonly info: { readonly uuid: string; readonly name: string; readonly rdns?: string };
  readonly provider: Provider;
}>;

const MAX_NAME = 64;
const MAX_WALLETS = 16;

/** The wallets of this browser, in the order in which they announced themselves. */
export const wallets = signal<readonly Wallet[]>([]);

/** Adds a wallet; one with a known id replaces it. */
export const addWallet = (wallet: Wallet): void => {
  const others = wallets.value.filter(({ id }) => id !== wallet.id);
  if (others.length < MAX_WALLETS) wallets.value = [...others, wallet];
};

/** Listens for wallets, and asks those that are there already to announce themselves. */
export const findWallets = (): void => {
  addEventListener('eip6963:announceProvider', (event) => {
    const { info, provider } = (event as Announcement).detail;
    // The id of a wallet changes with each page; its reverse domain name does not.
    addWallet({ id: info.rdns ?? info.uuid, name: info.name.slice(0, MAX_NAME), provider });
  });
  dispatchEvent(new Event('eip6963:requestProvider'));
  const injected = (globalThis as { readonly ethereum?: Provider }).ethereum;
  if (injected !== undefined && wallets.value.length === 0) {
    addWallet({ id: 'injected', name: 'Browser wallet', provider: injected });
  }
};
