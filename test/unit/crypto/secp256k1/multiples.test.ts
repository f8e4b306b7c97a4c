import { secp256k1 } from '@noble/curves/secp256k1.js';
import fc from 'fast-check';
import { describe, expect, inject, it } from 'vitest';
import {
  GENERATOR,
  INFINITY,
  ORDER,
  pointOf,
  PRIME,
} from '../../../../src/crypto/secp256k1/curve.ts';
import {
  oddMultiplesOf,
  plusMultiple,
  sumOf,
  tableOf,
  tableSize,
} from '../../../../src/crypto/secp256k1/multiples.ts';
import {
  BETA,
  halvesOf,
  sparseOf,
  windowCount,
  windowsOf,
} from '../../../../src/crypto/secp256k1/scalar.ts';

const { Point } = secp256k1;
const RUNS = inject('thorough') ? 20_000 : 200;
const LAMBDA = 0x5363ad4cc05c30e0a5261c028812645a122e22ea20816678df02967c1b23bd72n;

const inOrder = (value: bigint): bigint => ((value % ORDER) + ORDER) % ORDER;
/** The basis of `halvesOf`. Half of the sum and of the difference of its vectors is where rounding to the nearest turns. */
const [a1, b1] = [0x3086d221a7d46bcde86c90e49284eb15n, -0xe4437ed6010e88286f547fa90abfe4c3n];
const [a2, b2] = [0x114ca50f7a8e2f3f657c1108d9d44cfd8n, a1];
const corners = [
  (a1 + a2) / 2n + ((b1 + b2) / 2n) * LAMBDA,
  (a1 - a2) / 2n + ((b1 - b2) / 2n) * LAMBDA,
];
const edges = [0n, 1n, 2n, ORDER >> 1n, ORDER - 1n, LAMBDA, ORDER - LAMBDA, 2n ** 128n, 2n ** 255n];
const scalars = fc.oneof(
  fc.bigInt({ min: 0n, max: ORDER - 1n }),
  fc.constantFrom(...edges),
  // Multiples of λ: one half is small. Of a power of two, and one less or more: digits carry all the way.
  fc
    .tuple(fc.bigInt({ min: -99n, max: 99n }), fc.bigInt({ min: -99n, max: 99n }))
    .map(([one, other]) => inOrder(one + other * LAMBDA)),
  fc
    .tuple(fc.constantFrom(...corners), fc.bigInt({ min: -9n, max: 9n }), fc.boolean())
    .map(([corner, off, isNegative]) => inOrder((isNegative ? -corner : corner) + off)),
  fc
    .tuple(fc.nat({ max: 255 }), fc.bigInt({ min: -1n, max: 1n }))
    .map(([bits, off]) => (2n ** BigInt(bits) + off) % ORDER),
);
const halves = fc.oneof(
  fc.bigInt({ min: -(2n ** 128n) + 1n, max: 2n ** 128n - 1n }),
  fc.constantFrom(2n ** 128n - 1n, 1n - 2n ** 128n, 0n, 1n, -1n),
);
const widths = fc.constantFrom(5, 6, 7, 8);

const theirs = (point: typeof Point.BASE) => {
  if (point.is0()) return undefined;
  const { x, y } = point.toAffine();
  return { x, y };
};

describe('a number in pieces', () => {
  it('is turned by a third root of one, of numbers and of points alike', () => {
    expect([BETA ** 3n % PRIME, LAMBDA ** 3n % ORDER]).toEqual([1n, 1n]);
    expect(theirs(Point.BASE.multiply(LAMBDA))).toEqual({
      x: (GENERATOR.x * BETA) % PRIME,
      y: GENERATOR.y,
    });
  });

  it('is two halves of at most 128 bits', () => {
    fc.assert(
      fc.property(scalars, (scalar) => {
        const [one, other] = halvesOf(scalar);
        expect(inOrder(one + other * LAMBDA)).toBe(scalar);
        for (const half of [one, other])
          expect(half < 2n ** 128n && half > -(2n ** 128n)).toBe(true);
      }),
      { numRuns: 10 * RUNS },
    );
  });

  it('is the sum of its digits, and none is larger than its table', () => {
    fc.assert(
      fc.property(halves, widths, (half, width) => {
        const windows = [...windowsOf(half, width)];
        expect(windows).toHaveLength(windowCount(width));
        const places = windows.map((digit, at) => BigInt(digit) << BigInt(at * width));
        expect(places.reduce((sum, one) => sum + one, 0n)).toBe(half);
        for (const digit of windows) expect(Math.abs(digit)).toBeLessThanOrEqual(2 ** (width - 1));

        const sparse = [...sparseOf(half, width)];
        const set = sparse.flatMap((digit, at) => (digit === 0 ? [] : [{ digit, at }]));
        expect(set.reduce((sum, { digit, at }) => sum + (BigInt(digit) << BigInt(at)), 0n)).toBe(
          half,
        );
        for (const [index, { digit, at }] of set.entries()) {
          expect(Math.abs(digit) % 2).toBe(1);
          expect(Math.abs(digit)).toBeLessThan(2 ** (width - 1));
          expect(at - (set[index - 1]?.at ?? -width)).toBeGreaterThanOrEqual(width);
        }
      }),
      { numRuns: RUNS },
    );
  });
});

describe('a multiple', () => {
  it('by a table is what noble says, also on top of a sum that it cancels', () => {
    for (const [width, secret] of [
      [5, 0xc0ffeen],
      [6, LAMBDA],
      [7, 1n],
      [8, ORDER - 1n],
    ] as const) {
      const point = Point.BASE.multiply(secret);
      const table = tableOf(theirs(point) ?? GENERATOR, width);
      expect(table.points).toHaveLength(tableSize(width));
      fc.assert(
        fc.property(scalars, (scalar) => {
          const expected = point.multiplyUnsafe(scalar);
          const sum = plusMultiple(INFINITY, table, scalar);
          expect(pointOf(sum)).toEqual(theirs(expected));
          const rest = scalar === 0n ? 0n : ORDER - scalar;
          expect(pointOf(plusMultiple(sum, table, rest))).toBeUndefined();
          expect(pointOf(plusMultiple(sum, table, scalar))).toEqual(theirs(expected.double()));
        }),
        { numRuns: RUNS / 4 },
      );
    }
  });

  it('of the generator and of a key, by tables, is what noble says, also where they meet', () => {
    const generator = tableOf(GENERATOR, 7);
    const keys = [1n, ORDER - 1n, LAMBDA, ORDER - LAMBDA, 2n, 64n, 0xc0ffeen].map((secret) => {
      const point = Point.BASE.multiply(secret);
      return { point, table: tableOf(theirs(point) ?? GENERATOR, 6) };
    });
    fc.assert(
      fc.property(scalars, fc.constantFrom(...keys), scalars, (one, { point, table }, other) => {
        const expected = Point.BASE.multiplyUnsafe(one).add(point.multiplyUnsafe(other));
        const sum = plusMultiple(plusMultiple(INFINITY, generator, one), table, other);
        expect(pointOf(sum)).toEqual(theirs(expected));
      }),
      { numRuns: RUNS },
    );
  });

  it('of two points, summed, is what noble says, whether they are equal, opposite or neither', () => {
    const generator = oddMultiplesOf(GENERATOR);
    const others = fc.oneof(
      fc.constantFrom(1n, ORDER - 1n, 2n, LAMBDA, ORDER - LAMBDA),
      fc.bigInt({ min: 1n, max: ORDER - 1n }),
    );
    fc.assert(
      fc.property(scalars, others, scalars, (one, secret, other) => {
        const point = Point.BASE.multiply(secret);
        const expected = Point.BASE.multiplyUnsafe(one).add(point.multiplyUnsafe(other));
        const own = oddMultiplesOf(theirs(point) ?? GENERATOR);
        const sum = sumOf([
          [generator, one],
          [own, other],
        ]);
        expect(pointOf(sum)).toEqual(theirs(expected));
      }),
      { numRuns: RUNS },
    );
  });
});
