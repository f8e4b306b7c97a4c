/**
 * Numbers that points are multiplied by, in pieces. The curve has an endomorphism: λ·(x, y) = (β·x, y), for the price of one
 * multiplication (Guide to Elliptic Curve Cryptography section 3.5). A multiple of 256 bits is so the sum of two of 128.
 */
export const BETA = 0x7ae96a2b657c07106e64479eac3434e99cf0497512f58995c1396c28719501een;

/** A short basis of the lattice of all (a, b) with a + b·λ = 0 modulo the order: (A1, -B1) and (A2, A1). */
const A1 = 0x3086d221a7d46bcde86c90e49284eb15n;
const B1 = 0xe4437ed6010e88286f547fa90abfe4c3n;
const A2 = 0x114ca50f7a8e2f3f657c1108d9d44cfd8n;
/** A1 and B1, times 2³⁸⁴, over the order, rounded: a multiplication for a division. */
const RATIO_A1 = 0x3086d221a7d46bcde86c90e49284eb153daa8a1471e8ca7fe893209a45dbb031n;
const RATIO_B1 = 0xe4437ed6010e88286f547fa90abfe4c4221208ac9df506c61571b4ae8ac47f71n;
const HALF = 1n << 383n;

/** A multiple of a point and one of λ times it, both of at most 128 bits and either sign. */
export type Halves = readonly [bigint, bigint];

/**
 * k = k1 + k2·λ modulo the order, for k from zero to the order less one (GECC algorithm 3.74). Rounded to the nearest, k1 is at most
 * (A1 + A2)/2, which is 0.64·2¹²⁸, and k2 at most (A1 + B1)/2, 0.55·2¹²⁸: `bitsOf` would cut off more.
 */
export const halvesOf = (scalar: bigint): Halves => {
  const first = (scalar * RATIO_A1 + HALF) >> 384n;
  const second = (scalar * RATIO_B1 + HALF) >> 384n;
  return [scalar - first * A1 - second * A2, first * B1 - second * A1];
};

/** Bits that a half has at most, and one for the carry of signed digits. */
export const HALF_BITS = 129;

/** Reads bits of a half, without its sign: at most 24, from any place up to `HALF_BITS`. */
const bitsOf = (half: bigint): ((at: number, width: number) => number) => {
  const value = half < 0n ? -half : half;
  const bytes = new DataView(new ArrayBuffer(24));
  // Each takes the lowest 64 bits of what it is given.
  bytes.setBigUint64(0, value, true);
  bytes.setBigUint64(8, value >> 64n, true);
  return (at, width) => (bytes.getUint32(at >> 3, true) >>> (at & 7)) & ((1 << width) - 1);
};

/** How many digits `windowsOf` gives: so many windows of this width are a half. */
export const windowCount = (width: number): number => Math.ceil(HALF_BITS / width);

/** Signed digits, the lowest first: half = Σ digit·2^(width·place), each from -2^(width-1) to 2^(width-1). */
export const windowsOf = (half: bigint, width: number): Int16Array => {
  const bits = bitsOf(half);
  const sign = half < 0n ? -1 : 1;
  const digits = new Int16Array(windowCount(width));
  let carry = 0;
  for (let place = 0; place < digits.length; place += 1) {
    const digit = bits(place * width, width) + carry;
    carry = digit > 1 << (width - 1) ? 1 : 0;
    digits[place] = sign * (digit - (carry << width));
  }
  return digits;
};

/** Signed odd digits with at least `width - 1` zeros between them: half = Σ digit·2^place, each below 2^(width-1) (GECC algorithm 3.35). */
export const sparseOf = (half: bigint, width: number): Int16Array => {
  const bits = bitsOf(half);
  const sign = half < 0n ? -1 : 1;
  const digits = new Int16Array(HALF_BITS);
  let carry = 0;
  for (let place = 0; place < HALF_BITS; place += 1) {
    if (bits(place, 1) === carry) continue;
    const digit = bits(place, width) + carry;
    carry = digit >> (width - 1);
    digits[place] = sign * (digit - (carry << width));
    place += width - 1;
  }
  return digits;
};
