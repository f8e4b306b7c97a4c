import { secp256k1 } from '@noble/curves/secp256k1.js';
import type { Address } from '../core/account-id.ts';

const { Point } = secp256k1;
const { Fn } = Point;

export type PublicKey = ReturnType<typeof Point.fromBytes>;

/** A signature as numbers, in range (`readSignature`). `parity`: of the y of the point whose x is `r`. */
export type Scalars = { readonly r: bigint; readonly s: bigint; readonly parity: 0 | 1 };

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
  learn(account: Address, key: PublicKey): void;
  /** What is kept, in estimated bytes. */
  bytes(): number;
};

type Known = { readonly key: PublicKey; seen: number; window: number };

/**
 * A key gets a table after so many signatures, and a larger one when it goes on. Each is worth its price by then: somebody who comes
 * with new keys again and again, to make us build tables, adds a third to what recovering their signatures costs.
 */
const SMALL = { from: 16, window: 5 } as const;
/** Five times as large: only while there is room for others as well, or a few keys would have all tables. */
const LARGE = { from: 256, window: 8 } as const;
/** The generator's table, half a megabyte, after so many uses of any table: a fresh isolate should not build it before its first answers. */
const GENERATOR = { from: 512, window: 8 } as const;
/** Two numbers of 256 bits and the objects around them: 113 in workerd, by what its memory grows. */
const POINT_BYTES = 120;
/** A key without a table, its account and its place here. */
const KEY_BYTES = 1_000;
/** A Worker has 128 MiB. */
const MOST_BYTES = 32 * 1024 * 1024;

/** Signed windows of w bits over 256 bits, and one for the last carry: half of 2^w points each. */
const bytesOf = (window: number): number =>
  KEY_BYTES + (window === 0 ? 0 : POINT_BYTES * (Math.ceil(256 / window) + 1) * 2 ** (window - 1));

export const openKnownKeys = (mostBytes: number = MOST_BYTES): KnownKeys => {
  /** The one that was seen last is the last. */
  const known = new Map<Address, Known>();
  let bytes = 0;
  let used = 0;

  const forget = (account: Address, { window }: Known): void => {
    if (known.delete(account)) bytes -= bytesOf(window);
  };

  const keep = (account: Address, one: Known): void => {
    known.set(account, one);
    bytes += bytesOf(one.window);
    // Asked first: the way to the oldest leads over all that have moved to the end.
    if (bytes <= mostBytes) return;
    for (const [oldest, other] of known) {
      forget(oldest, other);
      if (bytes <= mostBytes) return;
    }
  };

  const earned = (seen: number): number => {
    if (seen >= LARGE.from && bytes + bytesOf(LARGE.window) <= mostBytes / 2) return LARGE.window;
    return seen >= SMALL.from ? SMALL.window : 0;
  };

  /** Seen once more: it moves to the end, and gets the table it has earned. */
  const see = (account: Address, one: Known): void => {
    forget(account, one);
    const seen = one.seen + 1;
    const window = earned(seen);
    // The library builds the table at the next use, and drops it with the point.
    if (window > one.window) one.key.precompute(window);
    keep(account, { key: one.key, seen, window: Math.max(window, one.window) });
  };

  return {
    signed(account, digest, signature) {
      const one = known.get(account);
      if (one === undefined || one.window === 0) return false;
      if (!verifies(one.key, digest, signature)) return false;
      used += 1;
      // A quarter fewer additions for the generator's half; the library has 6 until it is told.
      if (used === GENERATOR.from) Point.BASE.precompute(GENERATOR.window);
      see(account, one);
      return true;
    },
    learn(account, key) {
      see(account, known.get(account) ?? { key, seen: 0, window: 0 });
    },
    bytes: () => bytes,
  };
};

/**
 * ECDSA verification (SEC 1 section 4.1.4), and that the point is the very one which recovery would take: with x equal to r, not to r
 * plus the order, and y of the signature's parity. The chain's `ecrecover` would name another signer otherwise.
 */
const verifies = (key: PublicKey, digest: bigint, { r, s, parity }: Scalars): boolean => {
  const inverse = Fn.inv(s);
  const sum = Point.BASE.multiplyUnsafe(Fn.create(digest * inverse)).add(
    key.multiplyUnsafe(Fn.create(r * inverse)),
  );
  if (sum.is0()) return false;
  const { x, y } = sum.toAffine();
  return x === r && Number(y & 1n) === parity;
};
