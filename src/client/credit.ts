import type { AssetId } from '../protocol/account-id.ts';
import type { Place } from './spend.ts';

/** The name of the credit in an asset at an audience. */
export const placeOf = (audience: string, asset: AssetId): Place => `${asset} ${audience}`;

/** What gateways told of the agent's credit with them. A hint: they decide, and say so where it is wrong. */
export type Credit = {
  free(place: Place): bigint;
  learn(place: Place, free: bigint): void;
  add(place: Place, amount: bigint): void;
  forget(place: Place): void;
};

const KEPT = 256;

/** Keeps what is known of at most 256 places: how many there are is the servers' to choose. */
export const createCredit = (): Credit => {
  const known = new Map<Place, bigint>();
  const free = (place: Place): bigint => known.get(place) ?? 0n;
  const learn = (place: Place, amount: bigint): void => {
    known.delete(place);
    if (amount <= 0n) return;
    const oldest = known.size < KEPT ? undefined : known.keys().next().value;
    if (oldest !== undefined) known.delete(oldest);
    known.set(place, amount);
  };
  return {
    free,
    learn,
    add: (place, amount) => learn(place, free(place) + amount),
    forget: (place) => {
      known.delete(place);
    },
  };
};
