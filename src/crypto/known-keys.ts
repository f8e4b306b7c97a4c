import type { Address } from '../core/hex.ts';
import type { Point } from './secp256k1/curve.ts';
import { isSignedBy, type Scalars } from './secp256k1/ecdsa.ts';
import { type Table, tableOf, tableSize } from './secp256k1/multiples.ts';

/** Keys of accounts that sign here often. One an isolate. */
export type KnownKeys = {
  /**
   * True: the account's key made this signature. False says nothing but that recovery must decide: the key is not known well enough,
   * or did not make it. So a table can never refuse what recovery takes, nor name another signer than it does.
   *
   * @param digest of 32 bytes, as a number.
   */
  signed(account: Address, digest: bigint, signature: Scalars): boolean;
  /** Takes note of a key that recovery has found to be the account's. Only such: who claims an account must not make us keep anything. */
  learn(account: Address, key: Point): void;
  /** What is kept, in estimated bytes. */
  bytes(): number;
};

type Known = { readonly seen: number; readonly table?: Table };

/**
 * A key gets a table after so many signatures. It is worth its price by then: somebody who comes with new keys again and again, to make
 * us build tables, adds less than two thirds to what recovering their signatures costs.
 */
const EARNED = 16;
/** Bits of a window. A wider one takes fewer additions, but its table is built for longer, and then misses the processor's cache. */
const WIDTH = 6;
/** Two numbers of 256 bits and the objects around them: 105 in workerd, by what its memory grows. */
const POINT_BYTES = 120;
/** A key without a table, its account and its place here. */
const KEY_BYTES = 1_000;
/** A Worker has 128 MiB. */
const MOST_BYTES = 32 * 1024 * 1024;

const bytesOf = ({ table }: Known): number =>
  KEY_BYTES + (table === undefined ? 0 : POINT_BYTES * tableSize(table.width));

export const openKnownKeys = (mostBytes: number = MOST_BYTES): KnownKeys => {
  /** The one that was seen last is the last. */
  const known = new Map<Address, Known>();
  let bytes = 0;

  const forget = (account: Address, one: Known): void => {
    if (known.delete(account)) bytes -= bytesOf(one);
  };

  /** It moves to the end, and who was not seen for longest goes where there is no room. */
  const keep = (account: Address, one: Known): void => {
    known.set(account, one);
    bytes += bytesOf(one);
    // Asked first: the way to the oldest leads over all that have moved to the end.
    if (bytes <= mostBytes) return;
    for (const [oldest, other] of known) {
      forget(oldest, other);
      if (bytes <= mostBytes) return;
    }
  };

  return {
    signed(account, digest, signature) {
      const one = known.get(account);
      if (one?.table === undefined || !isSignedBy(one.table, digest, signature)) return false;
      forget(account, one);
      keep(account, one);
      return true;
    },
    learn(account, key) {
      const before = known.get(account) ?? { seen: 0 };
      forget(account, before);
      const seen = before.seen + 1;
      const table = before.table ?? (seen < EARNED ? undefined : tableOf(key, WIDTH));
      keep(account, table === undefined ? { seen } : { seen, table });
    },
    bytes: () => bytes,
  };
};
