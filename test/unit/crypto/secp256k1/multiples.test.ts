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

const edges = [0n, 1n, 2n, ORDER >> 1n, ORDER - 1n, LAMBDA, ORDER - LAMBDA, 2n ** 128n, 2n ** 255n];
const scalars = fc.oneof(
  fc.bigInt({ min: 0n, max: ORDER - 1n }),
  fc.constantFrom(...edges),
  // Multiples of λ: one half is small. Of a power of two, and one less or more: digits carry all the way.
  fc.bigInt({ min: -99n, max: 99n }).map((small) => (((small * LAMBDA) % ORDER) + ORDER) % ORDER),
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
        expect((((one + other * LAMBDA) % ORDER) + ORDER) % ORDER).toBe(scalar);
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
    const key = theirs(Point.BASE.multiply(0xc0ffeen)) ?? GENERATOR;
    for (const width of [5, 6, 7]) {
      const table = tableOf(key, width);
      expect(table.points).toHaveLength(tableSize(width));
      fc.assert(
        fc.property(scalars, (scalar) => {
          const expected = Point.BASE.multiply(0xc0ffeen).multiplyUnsafe(scalar);
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
