/** A way in which a wallet refuses, and the text that the page must show. */
export type WalletRefusalCase = {
  readonly method: 'eth_requestAccounts' | 'wallet_switchEthereumChain' | 'eth_signTypedData_v4';
  readonly thrown: { readonly code: number; readonly message: string };
  /** The wallet's active network. */
  readonly chainId: number;
  readonly text: string;
  readonly hint: string;
};

const HERE = 84_532;

export const REFUSALS: readonly WalletRefusalCase[] = [
  {
    ...{ method: 'eth_requestAccounts', chainId: HERE },
    thrown: { code: -32_002, message: 'Request already pending' },
    text: 'The wallet still has a request open.',
    hint: 'Open the wallet and answer that request, then try again.',
  },
  {
    ...{ method: 'wallet_switchEthereumChain', chainId: 1 },
    thrown: { code: 4902, message: 'Unrecognized chain ID' },
    text: 'The wallet does not know the network Base Sepolia.',
    hint: 'Add Base Sepolia in the settings of the wallet, then try again.',
  },
  {
    ...{ method: 'wallet_switchEthereumChain', chainId: 1 },
    thrown: { code: -32_601, message: 'The method does not exist' },
    text: 'The wallet is not on the network Base Sepolia.',
    hint: 'Switch the wallet to Base Sepolia, then try again.',
  },
  {
    ...{ method: 'eth_signTypedData_v4', chainId: HERE },
    thrown: { code: 4001, message: 'User rejected the request.' },
    text: 'You declined in the wallet.',
    hint: 'To go on, try again and confirm in the wallet.',
  },
];
