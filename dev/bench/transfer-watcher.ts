import type { Hex } from '../../src/core/hex.ts';
import { type ChainAccess, usdcAbi } from '../stack/chain-access.ts';

/** Observes when authorizations settle on a chain, by their nonces. */
export type TransferWatcher = {
  /** When the log of a nonce was seen, on the clock of `performance.now()`. */
  readonly at: (nonce: Hex) => number | undefined;
  /** Waits until all nonces have settled, at most for `milliseconds`. */
  readonly all: (nonces: readonly Hex[], milliseconds: number) => Promise<void>;
  readonly stop: () => Promise<void>;
};

/** Interval of requests to the node, and so the error of the measured times. */
const POLL_MS = 25;

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, POLL_MS));

/** Watches the logs of the token from the next block on: they show every settlement, whoever sent the transaction. */
export const watchTransfers = async (chain: ChainAccess): Promise<TransferWatcher> => {
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
  // `all` and `stop` report a failure; until then it must not count as unhandled.
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
