import type { Hex } from '../../core/hex.ts';

/** The part of EIP-1193 that the pages use. */
export type Provider = {
  readonly request: (call: {
    readonly method: string;
    readonly params?: readonly unknown[];
  }) => Promise<unknown>;
};

/** A wallet that announced itself (EIP-6963). Its icon is not shown: it is data that the extension chose. */
export type Wallet = {
  /** Its `uuid`, which changes with each page load. */
  readonly id: string;
  /** Its reverse domain name. */
  readonly rdns?: string | undefined;
  readonly name: string;
  readonly provider: Provider;
};

/** The name by which the page finds a wallet again after a reload. */
export const keptName = ({ id, rdns }: Wallet): string => rdns ?? id;

/** Attack: an extension may announce the reverse domain name of another one. If two wallets have the name, choose neither. */
export const walletKept = (wallets: readonly Wallet[], name: string): Wallet | undefined => {
  const found = wallets.filter((wallet) => keptName(wallet) === name);
  return found.length === 1 ? found[0] : undefined;
};

/** The wallet of a session. `id`: its stored name. */
export type WalletChoice = { readonly id: string; readonly address: Hex };
