import type { Hex } from '../../core/hex.ts';

/** The part of EIP-1193 that the pages use. */
export type Provider = {
  readonly request: (call: {
    readonly method: string;
    readonly params?: readonly unknown[];
  }) => Promise<unknown>;
};

/** A wallet that announced itself (EIP-6963). Its icon is not shown: it is data that the extension chose. */
export type Wallet = { readonly id: string; readonly name: string; readonly provider: Provider };

/** The wallet of a session, to find it again after a reload. */
export type WalletChoice = { readonly id: string; readonly address: Hex };
