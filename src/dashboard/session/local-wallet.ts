import { addWallet, type Provider } from './wallets.ts';
import type { Hex } from '../../core/hex.ts';

/** A key of the local stack. Its private half is public: it is derived from a text in the repository. */
type LocalKey = { readonly name: string; readonly privateKey: Hex };

type Typed = {
  readonly domain: { readonly chainId: number };
  readonly types: Readonly<
    Record<string, readonly { readonly name: string; readonly type: string }[]>
  >;
  readonly primaryType: string;
  readonly message: Readonly<Record<string, unknown>>;
};

/** Signs without asking, like no wallet of a person does. */
const providerOf = ({ privateKey }: LocalKey): Provider => {
  let chain = '';
  return {
    request: async ({ method, params = [] }) => {
      const { privateKeyToAccount } = await import('viem/accounts');
      const account = privateKeyToAccount(privateKey);
      switch (method) {
        case 'eth_requestAccounts':
          return [account.address];
        case 'eth_chainId':
          return chain;
        case 'wallet_switchEthereumChain':
          chain = (params[0] as { readonly chainId: string }).chainId;
          return null;
        case 'eth_signTypedData_v4': {
          const { EIP712Domain: _, ...types } = (JSON.parse(String(params[1])) as Typed).types;
          return account.signTypedData({ ...JSON.parse(String(params[1])), types });
        }
        default:
          throw new Error(`The wallet of the local stack knows no ${method}.`);
      }
    },
  };
};

/** Offers the keys of a local stack, which the gateway names in the page. A deployed gateway names none. */
export const offerLocalKeys = (): void => {
  const named = document.querySelector<HTMLMetaElement>('meta[name="countersign-local-keys"]');
  if (named === null) return;
  for (const key of JSON.parse(named.content) as readonly LocalKey[]) {
    addWallet({ id: `local:${key.name}`, name: `Local ${key.name}`, provider: providerOf(key) });
  }
};
