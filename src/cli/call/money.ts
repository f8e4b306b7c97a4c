import type { Address, Network } from '../../core/account-id.ts';
import { formatDollars } from '../../core/amount.ts';
import { nameOfNetwork } from '../../x402/networks.ts';
import { tokenOf } from '../../x402/tokens.ts';

/** An amount of a token: dollars where it is the one that we know, else atomic units. */
export const moneyOf = (amount: bigint, network: Network, asset: Address): string => {
  const name = nameOfNetwork(network) ?? network;
  return tokenOf(network)?.address === asset.toLowerCase()
    ? `${formatDollars(amount)} in USDC on ${name}`
    : `${amount} of ${asset} on ${name}`;
};
