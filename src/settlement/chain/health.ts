import type { Network } from '../../protocol/account-id.ts';
import type { Seconds } from '../../core/clock.ts';

/** So often in a row must the nodes of a chain be silent: one lost batch is no outage. */
const MOST_FAULTS = 2;

/** How long a silent chain is taken for down before somebody may find out again. */
const PAUSE: Seconds = 5;

/**
 * What an isolate last heard of its chains. A hint: it keeps payments from being begun that could not be seen to settle, and never says
 * what became of one (law 5).
 */
export type ChainHealth = {
  /** Some node answered, or none of all of them did. */
  readonly note: (network: Network, answered: boolean, now: Seconds) => void;
  /** Seconds until a silent chain is worth asking again; undefined where it may be asked now. */
  readonly silentFor: (network: Network, now: Seconds) => Seconds | undefined;
};

export const openChainHealth = (): ChainHealth => {
  const silent = new Map<Network, { readonly faults: number; readonly at: Seconds }>();
  return {
    note: (network, answered, now) => {
      if (answered) silent.delete(network);
      else silent.set(network, { faults: (silent.get(network)?.faults ?? 0) + 1, at: now });
    },
    silentFor: (network, now) => {
      const { faults = 0, at = 0 } = silent.get(network) ?? {};
      const left = at + PAUSE - now;
      // A clock that has gone back must not make the pause longer.
      return faults < MOST_FAULTS || left <= 0 ? undefined : Math.min(left, PAUSE);
    },
  };
};
