import { signal } from '@preact/signals';
import { keptName, type Provider, type Wallet, walletKept } from './wallet.ts';

/** How a wallet announces itself (EIP-6963). */
export type Announcement = {
  readonly info: { readonly uuid: string; readonly name: string; readonly rdns?: string };
  readonly provider: Provider;
};

const MAX_NAME = 64;
const MAX_WALLETS = 64;
/** Two wallets are enough to show that a domain name is ambiguous (`walletKept`). */
const MAX_OF_NAME = 2;

/** The wallets of this browser, in the order in which they announced themselves. */
export const wallets = signal<readonly Wallet[]>([]);

/** Adds a wallet. Attack: an extension sees the announcements of other wallets, and could repeat the id of one with its own provider. */
export const addWallet = (wallet: Wallet): void => {
  const isKnown = wallets.value.some(({ id }) => id === wallet.id);
  if (!isKnown && wallets.value.length < MAX_WALLETS) wallets.value = [...wallets.value, wallet];
};

/** Attack: an extension that announces itself again and again would leave no room for other wallets. */
export const addAnnounced = ({ info, provider }: Announcement): void => {
  const { uuid: id, rdns } = info;
  const same = wallets.value.filter((wallet) => wallet.rdns === rdns);
  if (same.length < MAX_OF_NAME)
    addWallet({ id, rdns, name: info.name.slice(0, MAX_NAME), provider });
};

/** Ids of the wallets that the user chose on this page, by their stored names. */
const chosen = new Map<string, string>();

export const chooseWallet = (wallet: Wallet): void => {
  chosen.set(keptName(wallet), wallet.id);
};

/** The wallet with this stored name: the one that the user chose on this page, else the only one. */
export const walletNamed = (name: string): Wallet | undefined =>
  wallets.value.find(({ id }) => id === chosen.get(name)) ?? walletKept(wallets.value, name);
