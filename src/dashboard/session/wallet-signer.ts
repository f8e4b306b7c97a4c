import type { Hex } from '../../core/hex.ts';
import type { Signer, TypedData } from '../../client/signer.ts';
import { network } from '../../protocol/account-id.ts';
import { networkName } from '../../protocol/network-name.ts';
import { isExplained, notOn, WalletFault } from './wallet-refusal.ts';
import type { Provider } from './wallet.ts';

/** Asks a wallet which account to use. @throws what the wallet throws; WalletFault */
export const chooseAccount = async (provider: Provider): Promise<Hex> => {
  const accounts = await provider.request({ method: 'eth_requestAccounts' });
  const [first] = Array.isArray(accounts) ? (accounts as readonly unknown[]) : [];
  if (typeof first !== 'string' || !/^0x[0-9a-fA-F]{40}$/.test(first)) {
    throw new WalletFault({
      text: 'The wallet named no account.',
      hint: 'Open the wallet, choose an account, then try again.',
    });
  }
  return first.toLowerCase() as Hex;
};

const isOn = async (provider: Provider, chainId: number): Promise<boolean> =>
  Number(await provider.request({ method: 'eth_chainId' })) === chainId;

/**
 * Sends a request that needs a chain. A wallet on another chain refuses it in words of its own: MetaMask says -32603, and a wallet that
 * cannot switch says that it does not know the method.
 *
 * @throws what the wallet throws; WalletFault if it is on another chain
 */
const requestOn = async (
  provider: Provider,
  chainId: number,
  call: Parameters<Provider['request']>[0],
): Promise<unknown> => {
  try {
    return await provider.request(call);
  } catch (thrown) {
    if (isExplained(thrown) || (await isOn(provider, chainId).catch(() => true))) throw thrown;
    throw new WalletFault(notOn(networkName(network(chainId))));
  }
};

/** Wallets refuse typed data whose chain is not the active one. @throws what the wallet throws; WalletFault */
export const switchTo = async (provider: Provider, chainId: number): Promise<void> => {
  if (await isOn(provider, chainId)) return;
  await requestOn(provider, chainId, {
    method: 'wallet_switchEthereumChain',
    params: [{ chainId: `0x${chainId.toString(16)}` }],
  });
};

/** Integers as decimal strings: JSON has no `bigint`, and a number would lose digits. */
const textOf = (data: TypedData): string =>
  JSON.stringify(data, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));

/** Signs with a wallet of the browser (EIP-712, `eth_signTypedData_v4`). */
export const walletSigner = (provider: Provider, address: Hex): Signer => ({
  address,
  signTypedData: async (data) => {
    const { chainId } = data.domain;
    await switchTo(provider, chainId);
    const params = [address, textOf(data)];
    const signature = await requestOn(provider, chainId, {
      method: 'eth_signTypedData_v4',
      params,
    });
    if (typeof signature !== 'string' || !/^0x(?:[0-9a-fA-F]{2})+$/.test(signature)) {
      throw new WalletFault({
        text: 'The wallet returned no signature.',
        hint: 'Try again, or use another wallet.',
      });
    }
    return signature.toLowerCase() as Hex;
  },
});
