import { nowSeconds } from '../core/clock.ts';
import type { Gateway } from '../gateway/gateway.ts';
import type { Network } from '../protocol/account-id.ts';
import type { PayerFacts } from '../protocol/account/call.ts';
import type { Chain } from '../settlement/chain/observation.ts';

/** How far back a settlement is searched: a day of two-second blocks. `searchNonceLog` reads 92,000 blocks at most. */
const LOOK_BACK = 43_200;

/**
 * The block from which on a transfer may be the settlement of a payment. An unused nonce can only be used from now on; a used one may have
 * been used earlier, by a previous request or by any sender.
 */
export const searchFrom = ({ nonceUsed, block }: PayerFacts): number =>
  nonceUsed ? Math.max(0, block - LOOK_BACK) : block;

/** The nodes of a network that the gateway is configured for. */
export const chainOf = ({ config, chainHealth }: Gateway, network: Network): Chain => {
  const urls = config.rpcUrls.get(network);
  if (urls === undefined) throw new RangeError(`no nodes for ${network}`);
  return {
    urls,
    confirmations: config.confirmations,
    onAnswered: (answered) => chainHealth.note(network, answered, nowSeconds()),
  };
};
