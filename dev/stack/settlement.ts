import { type Chain, startChain } from './chain.ts';
import { startFacilitator } from './facilitator.ts';
import type { Handler, RunningServer } from './loopback.ts';
import type { Parts } from './parts.ts';

/** Starts the parts of a stack that move money: the chain with USDC, and a facilitator that settles on it. */
export const startSettlement = async (
  parts: Parts,
  options: {
    /** Seconds between blocks; by default each transaction gets a block. */
    readonly blockTime?: number;
    /** Intercepts requests from the gateway to the facilitator. */
    readonly wrapFacilitator?: (real: Handler) => Handler;
  },
): Promise<{ readonly chain: Chain; readonly facilitator: RunningServer }> => {
  const { blockTime, wrapFacilitator: wrap } = options;
  const chain = await parts.start(
    'chain',
    ({ rpc }) => rpc,
    async () => await startChain(blockTime === undefined ? {} : { blockTime }),
  );
  void chain.exited.then(parts.onCrash('the chain (anvil)', chain.output));
  const facilitator = await parts.start(
    'facilitator',
    ({ url }) => url,
    async () => await startFacilitator({ rpc: chain.rpc, ...(wrap === undefined ? {} : { wrap }) }),
  );
  return { chain, facilitator };
};
