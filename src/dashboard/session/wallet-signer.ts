import type { Hex } from '../../core/hex.ts';
import type { Signer, TypedData } from '../../client/signer.ts';
import type { Provider } from './wallet.ts';

/** Asks a wallet which account to use. @throws what the wallet throws */
export const chooseAccount = async (provider: Provider): Promise<Hex> => {
  const accounts = await provider.request({ method: 'eth_requestAccounts' });
  const [first] = Array.isArray(accounts) ? (accounts as readonly unknown[]) : [];
  if (typeof first !== 'string' || !/^0x[0-9a-fA-F]{40}$/.test(first)) {
    throw new Error('The wallet named no account.');
  }
  return first.toLowerCase() as Hex;
};

/** Wallets refuse typed data whose chain is not the active one. @throws what the wallet throws */
export const switchTo = async (provider: Provider, chainId: number): Promise<void> => {
  const chain = `0x${chainId.toString(16)}`;
  const active = await provider.request({ method: 'eth_chainId' });
  if (active === chain) return;
  await provider.request({ method: 'wallet_switchEthereumChain', params: [{ chainId: chain }] });
};

/** Integers as decimal strings: JSON has no `bigint`, and a number would lose digits. */
const textOf = (data: TypedData): string =>
  JSON.stringify(data, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));

/** Signs with a wallet of the browser (EIP-712, `eth_signTypedData_v4`). */
export const walletSigner = (provider: Provider, address: Hex): Signer => ({
  address,
  signTypedData: async (data) => {
    await switchTo(provider, data.domain.chainId);
    const params = [address, textOf(data)];
    const signature = await provider.request({ method: 'eth_signTypedData_v4', params });
    if (typeof signature !== 'string' || !/^0x(?:[0-9a-fA-F]{2})+$/.test(signature)) {
      throw new Error('The wallet returned no signature.');
    }
    return signature.toLowerCase() as Hex;
  },
});
