import * as z from 'zod/mini';
import { addWallet } from './wallets.ts';
import type { Provider } from './wallet.ts';
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

/** Signs without asking, unlike a person's wallet. */
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

const localKeys = z.array(
  z.object({ name: z.string(), privateKey: z.string().check(z.regex(/^0x[0-9a-f]{64}$/)) }),
);

/** Offers the keys of a local stack. @param keys JSON, as the gateway names them; a deployed gateway names none */
export const offerKeys = (keys: string): void => {
  for (const key of localKeys.parse(JSON.parse(keys)) as readonly LocalKey[]) {
    addWallet({ id: `local:${key.name}`, name: `Local ${key.name}`, provider: providerOf(key) });
  }
};

/** Offers the keys of a local stack, which the gateway names in the page of the dashboard. */
export const offerLocalKeys = (): void => {
  const named = document.querySelector<HTMLMetaElement>('meta[name="countersign-local-keys"]');
  if (named !== null) offerKeys(named.content);
};
