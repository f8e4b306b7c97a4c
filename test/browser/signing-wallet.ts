import type { BrowserContext, Page } from 'playwright-core';
import type { Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';

/** How the wallet reacts to requests of a page. */
export type WalletRules = {
  readonly name?: string;
  /** The address that it reports, if it is a contract that accepts the key's signatures (ERC-1271). */
  readonly address?: Hex;
  /** The chain id that is active when the page opens. */
  readonly chainId?: number;
  /** Returns the error to throw for a method that the user or the wallet refuses: `{ code, message }`. */
  readonly refuses?: (
    method: string,
    params: readonly unknown[],
  ) => { readonly code: number; readonly message: string } | undefined;
  /** Called before each answer, e.g. to delay it. */
  readonly before?: (method: string) => Promise<void>;
};

/** A wallet with a real key, in a page or in each page of a context. Its signatures move money on the local chain. */
export type SigningWallet = {
  /** Methods that pages called, in order. */
  readonly calls: readonly string[];
  /** Primary types that it signed, in order. */
  readonly signed: readonly string[];
  /** Changes the active network, as its user can. */
  readonly moveTo: (chainId: number) => void;
};

type Typed = {
  readonly types: Readonly<
    Record<string, readonly { readonly name: string; readonly type: string }[]>
  >;
  readonly domain: { readonly chainId: number };
  readonly primaryType: string;
  readonly message: Readonly<Record<string, unknown>>;
};

let count = 0;

/** Announces a wallet by EIP-6963 to a page, or to the pages of a context. It reads the chain from `rpc`, as real wallets do. */
export const addSigningWallet = async (
  place: BrowserContext | Page,
  privateKey: Hex,
  rpc: string,
  { name = 'Test Wallet', address, chainId = 84_532, refuses, before }: WalletRules = {},
): Promise<SigningWallet> => {
  const account = privateKeyToAccount(privateKey);
  const calls: string[] = [];
  const signed: string[] = [];
  let active = chainId;
  count += 1;
  const bridge = `signingWallet${count}`;

  const answer = async (method: string, params: readonly unknown[]): Promise<unknown> => {
    calls.push(method);
    await before?.(method);
    const refusal = refuses?.(method, params);
    if (refusal !== undefined) return { refusal };
    switch (method) {
      case 'eth_requestAccounts':
        return { value: [address ?? account.address] };
      case 'eth_chainId':
        return { value: `0x${active.toString(16)}` };
      case 'wallet_switchEthereumChain':
        active = Number((params[0] as { readonly chainId: string }).chainId);
        return { value: null };
      case 'eth_signTypedData_v4': {
        const typed = JSON.parse(String(params[1])) as Typed;
        // Like MetaMask, refuse a signature for a chain other than the active one.
        if (typed.domain.chainId !== active)
          return { refusal: { code: -32_603, message: 'chain' } };
        const { EIP712Domain: _, ...types } = typed.types;
        signed.push(typed.primaryType);
        return { value: await account.signTypedData({ ...typed, types } as never) };
      }
      default: {
        const response = await fetch(rpc, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
        });
        const { result } = (await response.json()) as { readonly result?: unknown };
        return { value: result };
      }
    }
  };

  await place.exposeFunction(bridge, answer);
  await place.addInitScript(
    ({ bridge: at, name: called }) => {
      const page = globalThis as unknown as {
        readonly [name: string]: (
          method: string,
          params: readonly unknown[],
        ) => Promise<{ readonly value?: unknown; readonly refusal?: object }>;
      } & EventTarget;
      const provider = {
        request: async ({
          method,
          params = [],
        }: {
          method: string;
          params?: readonly unknown[];
        }) => {
          const { value, refusal } = (await page[at]?.(method, params)) ?? {};
          if (refusal !== undefined) throw Object.assign(new Error('refused'), refusal);
          return value;
        },
      };
      const detail = Object.freeze({
        info: { uuid: at, name: called, icon: 'data:,', rdns: `example.${at}` },
        provider,
      });
      const announce = () =>
        page.dispatchEvent(new CustomEvent('eip6963:announceProvider', { detail }));
      page.addEventListener('eip6963:requestProvider', announce);
      announce();
    },
    { bridge, name },
  );
  const moveTo = (chain: number): void => {
    active = chain;
  };
  return { calls, signed, moveTo };
};
