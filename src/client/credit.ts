import { createBoundedMap } from '../core/bounded-map.ts';
import type { AssetId } from '../protocol/account-id.ts';

/** Names the credit of the agent in one asset at one audience. */
export type CreditKey = string;

export const creditKey = (audience: string, asset: AssetId): CreditKey => `${asset} ${audience}`;

/** The agent's credit at gateways, as they last stated it, in atomic units. Only a hint: the gateway decides what credit covers. */
export type KnownCredit = {
  free(key: CreditKey): bigint;
  set(key: CreditKey, free: bigint): void;
  add(key: CreditKey, amount: bigint): void;
  forget(key: CreditKey): void;
};

/** Servers choose how many keys there are. */
const MAX_KEYS = 256;

export const createKnownCredit = (): KnownCredit => {
  const known = createBoundedMap<CreditKey, bigint>(MAX_KEYS);
  const free = (key: CreditKey): bigint => known.get(key) ?? 0n;
  const set = (key: CreditKey, amount: bigint): void => {
    if (amount > 0n) known.set(key, amount);
    else known.delete(key);
  };
  return {
    free,
    set,
    add: (key, amount) => set(key, free(key) + amount),
    forget: (key) => known.delete(key),
  };
};
