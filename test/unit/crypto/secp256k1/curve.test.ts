import { secp256k1 } from '@noble/curves/secp256k1.js';
import fc from 'fast-check';
import { describe, expect, inject, it } from 'vitest';
import {
  added,
  doubled,
  GENERATOR,
  INFINITY,
  ORDER,
  type Point,
  pointAt,
  pointOf,
  pointsOf,
  PRIME,
  type Sum,
} from '../../../../src/crypto/secp256k1/curve.ts';

/** Sums are what noble's complete formulas say: of any points, of equal and of opposite ones, and of infinity. */
const noble = secp256k1.Point;
const RUNS = inject('thorough') ? 20_000 : 200;

const multiples = fc.oneof(
  fc.bigInt({ min: 0n, max: ORDER - 1n }),
  fc.bigInt({ min: 0n, max: 9n }),
  fc.bigInt({ min: 0n, max: 9n }).map((small) => (ORDER - small) % ORDER),
);
/** What stands for the same point: every number of it is one of two remainders, and Z may be any. */
const scales = fc.oneof(
  fc.constantFrom(1n, 2n, PRIME - 1n),
  fc.bigInt({ min: 1n, max: PRIME - 1n }),
);

const theirs = (multiple: bigint) =>
  multiple === 0n ? noble.ZERO : noble.BASE.multiplyUnsafe(multiple);
const affine = (multiple: bigint): Point | undefined => {
  if (multiple === 0n) return undefined;
  const { x, y } = theirs(multiple).toAffine();
  return { x, y };
};

/** The sum that a point is, in one of its many ways. */
const sumOf = (multiple: bigint, scale: bigint, negative: boolean): Sum => {
  const point = affine(multiple);
  if (point === undefined) return { ...INFINITY, X: scale };
  const sign = (value: bigint): bigint => (negative && value !== 0n ? value - PRIME : value);
  return {
    X: sign((point.x * scale * scale) % PRIME),
    Y: sign((point.y * scale ** 3n) % PRIME),
    Z: sign(scale),
  };
};

const sums = fc.tuple(multiples, scales, fc.boolean());

describe('a sum', () => {
  it('doubled is what noble says', () => {
    fc.assert(
      fc.property(sums, ([multiple, scale, negative]) => {
        const twice = pointOf(doubled(sumOf(multiple, scale, negative)));
        expect(twice).toEqual(affine((2n * multiple) % ORDER));
      }),
      { numRuns: RUNS },
    );
  });

  it('and a point more is what noble says, also of equal and of opposite points', () => {
    const others = fc.oneof(
      fc.bigInt({ min: 1n, max: ORDER - 1n }),
      fc.constantFrom<'same' | 'opposite'>('same', 'opposite'),
    );
    let special = 0;
    fc.assert(
      fc.property(sums, others, fc.boolean(), ([multiple, scale, negative], other, isLower) => {
        const own = multiple === 0n ? 1n : multiple;
        const more = other === 'same' ? own : other === 'opposite' ? ORDER - own : other;
        if (typeof other === 'string' && multiple !== 0n) special += 1;
        const point = affine(more) ?? GENERATOR;
        // A point of the negative digit of a table has a y below zero.
        const given = isLower ? { x: point.x, y: point.y - PRIME } : point;
        const total = pointOf(added(sumOf(multiple, scale, negative), given));
        expect(total).toEqual(affine((multiple + more) % ORDER));
      }),
      { numRuns: RUNS },
    );
    expect(special).toBeGreaterThan(RUNS / 8);
  });

  it('of many is each of them', () => {
    fc.assert(
      fc.property(fc.array(sums, { maxLength: 9 }), (all) => {
        const some = all.filter(([multiple]) => multiple !== 0n);
        expect(pointsOf(some.map((one) => sumOf(...one)))).toEqual(
          some.map(([multiple]) => affine(multiple)),
        );
      }),
      { numRuns: RUNS / 4 },
    );
  });

  it('that is infinity is no point, and stays infinity', () => {
    expect(pointOf(INFINITY)).toBeUndefined();
    expect(pointOf(doubled(INFINITY))).toBeUndefined();
    expect(pointOf(added(INFINITY, GENERATOR))).toEqual(GENERATOR);
  });
});

describe('the point of an x', () => {
  it('is the one that noble finds, or none', () => {
    const xs = fc.oneof(
      fc.bigInt({ min: 1n, max: PRIME - 1n }),
      fc.bigInt({ min: 0n, max: 99n }),
      fc.bigInt({ min: 1n, max: 99n }).map((below) => PRIME - below),
    );
    let found = 0;
    fc.assert(
      fc.property(xs, fc.constantFrom<0 | 1>(0, 1), (x, parity) => {
        const text = x.toString(16).padStart(64, '0');
        let known: Point | undefined;
        try {
          const { x: same, y } = noble.fromHex(`0${2 + parity}${text}`).toAffine();
          known = { x: same, y };
        } catch {
          known = undefined;
        }
        expect(pointAt(x, parity)).toEqual(known);
        found += known === undefined ? 0 : 1;
      }),
      { numRuns: RUNS },
    );
    expect(found).toBeGreaterThan(RUNS / 4);
    expect(found).toBeLessThan((RUNS * 3) / 4);
  });
});
