import type { Seconds } from '../../core/clock.ts';
import type { Network } from '../../protocol/account-id.ts';

/** Batches in a row that no node answered before the chain counts as silent. One lost batch is not an outage. */
const MAX_FAULTS = 2;

/** How long a silent chain counts as down before the gateway tries it again. */
const PAUSE: Seconds = 5;

/**
 * Tracks which chains answer this isolate. A hint only: it keeps the gateway from starting payments whose settlement it could not observe,
 * and it never decides what happened to a payment (law 5).
 */
export type ChainHealth = {
  /** Records whether any node of the chain answered. */
  readonly note: (network: Network, answered: boolean, now: Seconds) => void;
  /** Seconds until a silent chain should be tried again; undefined if it may be tried now. */
  readonly silentFor: (network: Network, now: Seconds) => Seconds | undefined;
  /**
   * Whether a caller may ask the chain now. After each pause one caller tries a silent chain, so that an outage delays no other request.
   */
  readonly admits: (network: Network, now: Seconds) => boolean;
};

export const openChainHealth = (): ChainHealth => {
  const silent = new Map<Network, { readonly faults: number; readonly at: Seconds }>();
  const silentFor: ChainHealth['silentFor'] = (network, now) => {
    const { faults = 0, at = 0 } = silent.get(network) ?? {};
    const remaining = at + PAUSE - now;
    // A clock set back must not lengthen the pause.
    return faults < MAX_FAULTS || remaining <= 0 ? undefined : Math.min(remaining, PAUSE);
  };
  return {
    note: (network, answered, now) => {
      if (answered) silent.delete(network);
      else silent.set(network, { faults: (silent.get(network)?.faults ?? 0) + 1, at: now });
    },
    silentFor,
    admits: (network, now) => {
      if (silentFor(network, now) !== undefined) return false;
      const known = silent.get(network);
      if (known !== undefined && known.faults >= MAX_FAULTS)
        silent.set(network, { ...known, at: now });
      return true;
    },
  };
};
