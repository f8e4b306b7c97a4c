import type { Config } from '../config/config.ts';
import type { Seconds } from '../core/clock.ts';
import { rpcBatch } from '../settlement/chain/json-rpc.ts';
import { blockQuery } from '../settlement/chain/query.ts';
import type { Outage } from './record-outages.ts';

/** Ten blocks of the slowest chain with USDC, Ethereum; sixty of Base. */
const OLD: Seconds = 120;

/**
 * Finds the networks whose nodes do not answer (kind `silent`), or whose newest block is too old (kind `old`): the chain has stopped, or
 * all nodes of `RPC_URLS` lag behind it. A local chain may make blocks only on demand, so the age of its blocks is not checked.
 */
export const chainOutages = async (
  { rpcUrls, reach }: Pick<Config, 'rpcUrls' | 'reach'>,
  now: Seconds,
): Promise<readonly Outage[]> => {
  const query = blockQuery('latest');
  const outages: Outage[] = [];
  // Sequentially: a Worker has six connections, and a request that waits for a free one times out.
  for (const [network, urls] of rpcUrls) {
    const answers = await rpcBatch(urls, query.calls);
    const head = answers.ok ? query.read(answers.value) : undefined;
    if (head === undefined) {
      outages.push({ subject: network, detail: { network, kind: 'silent' } });
    } else if (reach === 'public' && now - head.timestamp > OLD) {
      const detail = { network, kind: 'old', block: head.number, made: head.timestamp };
      outages.push({ subject: network, detail });
    }
  }
  return outages;
};
