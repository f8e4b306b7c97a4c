import type { Network } from '../protocol/account-id.ts';
import type { Hex } from '../core/hex.ts';
import type { Outgoing } from './outgoing.ts';
import type { ReceivedOffer } from './received-offer.ts';

/** What an agent keeps of earlier calls. Offers and calls, at most 256 each, only save round trips. */
export type Memory = {
  /** Whether this origin has offered binding to this agent. */
  hasOfferedBinding(origin: string): boolean;
  /** Never forgotten: whoever could push an origin out of this memory could downgrade it (CWE-757). */
  keepBindingOffered(origin: string): void;
  /** The last bound offer for this method and URL. */
  offerOf(outgoing: Outgoing): ReceivedOffer | undefined;
  keepOffer(outgoing: Outgoing, offer: ReceivedOffer): void;
  forgetOffer(outgoing: Outgoing): void;
  /** The network whose account made a call. */
  networkOf(call: Hex): Network | undefined;
  keepCall(call: Hex, network: Network): void;
};

const KEPT = 256;

const keep = <V>(map: Map<string, V>, key: string, value: V): void => {
  map.delete(key);
  const oldest = map.size < KEPT ? undefined : map.keys().next().value;
  if (oldest !== undefined) map.delete(oldest);
  map.set(key, value);
};

export const createMemory = (): Memory => {
  const offers = new Map<string, ReceivedOffer>();
  const calls = new Map<string, Network>();
  const binding = new Set<string>();
  const keyOf = ({ method, url }: Outgoing): string => `${method} ${url}`;
  return {
    hasOfferedBinding: (origin) => binding.has(origin),
    keepBindingOffered: (origin) => {
      binding.add(origin);
    },
    offerOf: (outgoing) => offers.get(keyOf(outgoing)),
    keepOffer: (outgoing, offer) => keep(offers, keyOf(outgoing), offer),
    forgetOffer: (outgoing) => {
      offers.delete(keyOf(outgoing));
    },
    networkOf: (call) => calls.get(call),
    keepCall: (call, network) => keep(calls, call, network),
  };
};
