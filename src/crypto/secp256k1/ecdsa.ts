import { invert } from '@noble/curves/abstract/modular.js';
import { GENERATOR, INFINITY, modulo, ORDER, type Point, pointAt, pointOf } from './curve.ts';
import {
  type OddMultiples,
  oddMultiplesOf,
  plusMultiple,
  sumOf,
  type Table,
  tableOf,
} from './multiples.ts';

/** A signature as numbers from 1 to the order less one. `parity`: of the y of the point whose x is `r`. */
export type Scalars = { readonly r: bigint; readonly s: bigint; readonly parity: 0 | 1 };

/** Built when they are first needed: an isolate should not do it before it knows that it will need them. */
let generatorOdd: OddMultiples | undefined;
let generatorTable: Table | undefined;
/** Bits of a window: there is one such table, 1,216 points, so it may be larger than those of keys. */
const GENERATOR_WIDTH = 7;

/**
 * The key that made this signature (SEC 1 section 4.1.6, and as `ecrecover`: `r` is an x, never an x less the order). Nothing where no
 * point has that x, or where the key would be infinity.
 *
 * @param digest of 32 bytes, as a number.
 * @throws Error of an `r` of zero: whoever reads signatures refuses it
 */
export const recoverKey = (digest: bigint, { r, s, parity }: Scalars): Point | undefined => {
  const point = pointAt(r, parity);
  if (point === undefined) return undefined;
  generatorOdd ??= oddMultiplesOf(GENERATOR);
  const over = invert(r, ORDER);
  return pointOf(
    sumOf([
      [generatorOdd, modulo(-digest * over, ORDER)],
      [oddMultiplesOf(point), modulo(s * over, ORDER)],
    ]),
  );
};

/**
 * Whether the key with this table made the signature (SEC 1 section 4.1.4), and recovery would name it: with x equal to `r`, not to `r` plus
 * the order, and y of the signature's parity. The chain's `ecrecover` would name another signer otherwise.
 *
 * @param digest of 32 bytes, as a number.
 * @throws Error of an `s` of zero: whoever reads signatures refuses it
 */
export const isSignedBy = (key: Table, digest: bigint, { r, s, parity }: Scalars): boolean => {
  generatorTable ??= tableOf(GENERATOR, GENERATOR_WIDTH);
  const over = invert(s, ORDER);
  const half = plusMultiple(INFINITY, generatorTable, modulo(digest * over, ORDER));
  const point = pointOf(plusMultiple(half, key, modulo(r * over, ORDER)));
  return point !== undefined && point.x === r && Number(point.y & 1n) === parity;
};
