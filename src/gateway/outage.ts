import type { Seconds } from '../core/clock.ts';
import type { Evidence } from '../protocol/account/call.ts';
import type { Network } from '../protocol/account-id.ts';
import type { Backends } from '../settlement/backends/registry.ts';
import type { ChainHealth } from '../settlement/chain/health.ts';

/** `Retry-After` if no backend has a retry time, and its upper bound. */
const PAUSE: Seconds = 15;
const MAX_PAUSE: Seconds = 60;

/** The health of backends and nodes, as this isolate knows it. */
export type SettlementHealth = {
  readonly backends: Pick<Backends, 'isDown' | 'probeAt'>;
  readonly chainHealth: ChainHealth;
};

/**
 * Returns an outage if no payment of a network can be settled now: no backend takes payments, or no node answers. Only the account knows
 * whether a call needs a settlement, so the gateway sends it this as evidence.
 */
export const outageOf = (
  { backends, chainHealth }: SettlementHealth,
  network: Network,
  now: Seconds,
): Evidence['outage'] => {
  const silent = chainHealth.silentFor(network, now);
  if (backends.isDown(network)) {
    const probe = backends.probeAt(network);
    const pause = probe === undefined ? PAUSE : probe - now;
    return { retryAfter: Math.min(MAX_PAUSE, Math.max(1, pause, silent ?? 0)) };
  }
  return silent === undefined ? undefined : { retryAfter: silent };
};
