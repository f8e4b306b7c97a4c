import type { Seconds } from '../../src/core/clock.ts';
import type { Facts } from '../../src/settlement/relayer/node.ts';
import type { Memory } from './memory.ts';

/** How long a node may know of fewer transactions than another one did, before it is believed: a re-organisation has taken them. */
const BEHIND: Seconds = 60;

/**
 * The lowest nonce that is neither in a block nor in a transaction of ours; undefined while the node cannot be believed. One
 * that lags behind would have us sign other payments for a nonce that is used.
 */
export const nextNonce = (
  memory: Pick<Memory, 'flights' | 'floor' | 'behindSince'>,
  { count }: Pick<Facts, 'count'>,
  now: Seconds,
): number | undefined => {
  if (count < memory.floor) {
    memory.behindSince ??= now;
    if (now - memory.behindSince < BEHIND) return undefined;
  }
  memory.behindSince = undefined;
  memory.floor = count;
  let nonce = count;
  while (memory.flights.has(nonce)) nonce += 1;
  return nonce;
};
