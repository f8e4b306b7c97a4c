import { invert } from '@noble/curves/abstract/modular.js';

/**
 * The curve y² = x³ + 7 of SEC 2 section 2.4.1, and sums of its points. For public numbers only: what is done, and how long it takes,
 * depends on them. Nothing here may ever see a private key.
 */
export const PRIME = 0xfffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2fn;
/** Of the generator, and so of every point but infinity: the order is prime and the cofactor 1, so there are no small subgroups. */
export const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

/** A point that is not infinity, by its two coordinates from 0 to the prime less one. */
export type Point = { readonly x: bigint; readonly y: bigint };

export const GENERATOR: Point = {
  x: 0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798n,
  y: 0x483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8n,
};

/**
 * Any point, infinity too, so that sums need no division: x = X/Z², y = Y/Z³, and infinity where Z is zero (Jacobian coordinates, Guide to
 * Elliptic Curve Cryptography section 3.2.2). Numbers here are remainders with the sign that `%` gives: above minus the prime and
 * below it, so of each multiple of the prime only zero is one.
 */
export type Sum = { readonly X: bigint; readonly Y: bigint; readonly Z: bigint };

export const INFINITY: Sum = { X: 1n, Y: 1n, Z: 0n };

/** The remainder from zero to the modulus less one. */
export const modulo = (value: bigint, modulus: bigint): bigint => {
  const rest = value % modulus;
  return rest < 0n ? rest + modulus : rest;
};

/** Twice a sum (Explicit-Formulas Database, dbl-2009-l). No point has y = 0, so only infinity doubles to infinity. */
export const doubled = ({ X, Y, Z }: Sum): Sum => {
  const square = (Y * Y) % PRIME;
  const chord = (4n * X * square) % PRIME;
  const slope = 3n * ((X * X) % PRIME);
  const x = (slope * slope - 2n * chord) % PRIME;
  return { X: x, Y: (slope * (chord - x) - 8n * square * square) % PRIME, Z: (2n * Y * Z) % PRIME };
};

/**
 * A sum and a point more (EFD, madd). The formula is of two points of different x: equal and opposite points, which who chooses the
 * numbers of a signature can bring about, are told apart before.
 */
export const added = (sum: Sum, { x, y }: Point): Sum => {
  const { X, Y, Z } = sum;
  if (Z === 0n) return { X: x, Y: y, Z: 1n };
  const scale = (Z * Z) % PRIME;
  const run = (x * scale - X) % PRIME;
  const rise = (y * ((scale * Z) % PRIME) - Y) % PRIME;
  if (run === 0n) return rise === 0n ? doubled(sum) : INFINITY;
  const square = (run * run) % PRIME;
  const cube = (square * run) % PRIME;
  const chord = (X * square) % PRIME;
  const sumX = (rise * rise - cube - 2n * chord) % PRIME;
  return { X: sumX, Y: (rise * (chord - sumX) - Y * cube) % PRIME, Z: (Z * run) % PRIME };
};

/** The points that sums are: by one division for all of them (Montgomery's trick). @throws Error where one of them is infinity */
export const pointsOf = (sums: readonly Sum[]): readonly Point[] => {
  let product = 1n;
  const before = sums.map(({ Z }) => {
    const earlier = product;
    product = (product * Z) % PRIME;
    return earlier;
  });
  let rest = invert(product, PRIME);
  return sums
    .map(({ X, Y, Z }, at) => ({ X, Y, Z, earlier: before[at] ?? 1n }))
    .toReversed()
    .map(({ X, Y, Z, earlier }) => {
      const scale = (rest * earlier) % PRIME;
      rest = (rest * Z) % PRIME;
      const square = (scale * scale) % PRIME;
      return { x: modulo(X * square, PRIME), y: modulo(Y * ((square * scale) % PRIME), PRIME) };
    })
    .toReversed();
};

/** The point that a sum is, or nothing: infinity has no coordinates. */
export const pointOf = (sum: Sum): Point | undefined =>
  sum.Z === 0n ? undefined : pointsOf([sum])[0];

const squared = (value: bigint, times: number): bigint => {
  let power = value;
  for (let done = 0; done < times; done += 1) power = (power * power) % PRIME;
  return power;
};

/**
 * A root, where there is one: the value to the power of (p + 1)/4 (SEC 1 section 2.3.4). In bits that is 223 ones, a zero, 22 ones, four
 * zeros, two ones and two zeros, so powers of blocks of ones are put together.
 */
const rootOf = (value: bigint): bigint | undefined => {
  /** The power whose exponent has so many bits more at its end, those of the second one's. */
  const behind = (power: bigint, bits: number, last: bigint): bigint =>
    (squared(power, bits) * last) % PRIME;
  const ones2 = behind(value, 1, value);
  const ones3 = behind(ones2, 1, value);
  const ones6 = behind(ones3, 3, ones3);
  const ones11 = behind(behind(ones6, 3, ones3), 2, ones2);
  const ones22 = behind(ones11, 11, ones11);
  const ones44 = behind(ones22, 22, ones22);
  const ones88 = behind(ones44, 44, ones44);
  const ones176 = behind(ones88, 88, ones88);
  const ones223 = behind(behind(ones176, 44, ones44), 3, ones3);
  const root = squared(behind(behind(ones223, 23, ones22), 6, ones2), 2);
  return (root * root) % PRIME === value ? root : undefined;
};

/** The point of this x whose y is even or odd; nothing where there is none. */
export const pointAt = (x: bigint, parity: 0 | 1): Point | undefined => {
  const root = rootOf((((x * x) % PRIME) * x + 7n) % PRIME);
  if (root === undefined) return undefined;
  return { x, y: Number(root & 1n) === parity ? root : PRIME - root };
};
