import type { Evidence } from '../protocol/account/call.ts';
import type { Network } from '../protocol/account-id.ts';
import type { Seconds } from '../core/clock.ts';
import type { Backends } from '../settlement/backends/registry.ts';
import type { ChainHealth } from '../settlement/chain/health.ts';

/** How long a caller should wait where nobody can tell when a backend is asked again, and at most. */
const PAUSE: Seconds = 15;
const LONGEST_PAUSE: Seconds = 60;

/** Who would settle, and who would tell of it, as this isolate has found them. */
export type Settling = {
  readonly backends: Pick<Backends, 'isDown' | 'probeAt'>;
  readonly chainHealth: ChainHealth;
};

/**
 * Whether no payment of a network can be settled now: no backend is to be asked, or no node says what became of it. The account is told,
 * which alone knows whether a call needs a settlement (design §6).
 */
export const outageOf = (
  { backends, chainHealth }: Settling,
  network: Network,
  now: Seconds,
): Evidence['outage'] => {
  const silent = chainHealth.silentFor(network, now);
  if (backends.isDown(network)) {
    const probe = backends.probeAt(network);
    const pause = probe === undefined ? PAUSE : probe - now;
    return { retryAfter: Math.min(LONGEST_PAUSE, Math.max(1, pause, silent ?? 0)) };
  }
  return silent === undefined ? undefined : { retryAfter: silent };
};
