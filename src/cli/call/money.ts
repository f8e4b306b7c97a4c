import type { Network } from '../../protocol/account-id.ts';
import type { Address } from '../../core/hex.ts';
import { formatDollars } from '../../protocol/amount.ts';
import { nameOfNetwork } from '../../protocol/x402/networks.ts';
import { tokenOf } from '../../protocol/x402/tokens.ts';

/** An amount of a token: dollars where it is the one that we know, else atomic units. */
export const moneyOf = (amount: bigint, network: Network, asset: Address): string => {
  const name = nameOfNetwork(network) ?? network;
  return tokenOf(network)?.address === asset.toLowerCase()
    ? `${formatDollars(amount)} in USDC on ${name}`
    : `${amount} of ${asset} on ${name}`;
};
