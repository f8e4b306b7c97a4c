import type { Address } from '../../core/hex.ts';

/**
 * Returns the relayer key that settles the payments of a payer: always the same one, so that one object sees all of them and shares
 * transactions fairly between payers. Rendezvous hashing: when a key is added or removed, only its own payers move.
 *
 * Attack: a payer can choose its address, and so its key. It gains nothing: each key shares its transactions between payers.
 */
export const keyOfPayer = (payer: Address, keys: readonly [Address, ...Address[]]): Address => {
  const [first, ...rest] = keys;
  return rest.reduce(
    (best, key) => (scoreOf(payer, key) > scoreOf(payer, best) ? key : best),
    first,
  );
};

/** Mixes the last 32 bits of both addresses (multiplications and shifts of MurmurHash3's finalizer). */
const scoreOf = (payer: Address, key: Address): number => {
  const mixed = Math.imul(lastBits(payer) ^ lastBits(key), 0x85ebca6b);
  return Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35) >>> 0;
};

const lastBits = (address: Address): number => Number.parseInt(address.slice(-8), 16);
