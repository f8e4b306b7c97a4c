import type { Hex } from '../../src/core/hex.ts';
import type { ChainAccess } from '../stack/chain-access.ts';
import { usdcAbi } from '../stack/usdc.ts';

/** When the node of a chain first showed that authorizations had moved, by their nonces. */
export type Moved = {
  readonly at: (nonce: Hex) => number | undefined;
  /** Waits until all of these have moved, or so many milliseconds are over. */
  readonly all: (nonces: readonly Hex[], milliseconds: number) => Promise<void>;
  readonly stop: () => Promise<void>;
};

/** How often the node is asked: what is measured is seen so much later than it happened, at most. */
const POLL_MS = 25;

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, POLL_MS));

/** Watches the token's log from now on: there alone stands what has happened to money, whoever sent the transaction. */
export const watchMoved = async (chain: ChainAccess): Promise<Moved> => {
  const seen = new Map<Hex, number>();
  let stopped = false;
  let next = (await chain.client.getBlockNumber()) + 1n;
  const look = async (): Promise<void> => {
    const head = await chain.client.getBlockNumber();
    if (head < next) return;
    const logs = await chain.client.getContractEvents({
      address: chain.usdc,
      abi: usdcAbi,
      eventName: 'AuthorizationUsed',
      fromBlock: next,
      toBlock: head,
      strict: true,
    });
    const now = performance.now();
    for (const { args } of logs) seen.set(args.nonce, now);
    next = head + 1n;
  };
  const watching = (async () => {
    while (!stopped) {
      await look();
      await pause();
    }
  })();
  // Whoever waits for something hears of it; until then nobody may call it unhandled.
  watching.catch(() => {});
  return {
    at: (nonce) => seen.get(nonce),
    all: async (nonces, milliseconds) => {
      const deadline = performance.now() + milliseconds;
      while (performance.now() < deadline && nonces.some((nonce) => !seen.has(nonce))) {
        await Promise.race([pause(), watching]);
      }
    },
    stop: async () => {
      stopped = true;
      await watching;
    },
  };
};
