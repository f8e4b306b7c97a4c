import { added, doubled, INFINITY, type Point, pointsOf, PRIME, type Sum } from './curve.ts';
import { BETA, HALF_BITS, halvesOf, sparseOf, windowCount, windowsOf } from './scalar.ts';

const turned = ({ x, y }: Point): Point => ({ x: (x * BETA) % PRIME, y });
const withSign = ({ x, y }: Point, digit: number): Point => (digit < 0 ? { x, y: -y } : { x, y });

/** A point once, twice, up to so many times. */
const firstMultiples = (most: number, point: Point): readonly Sum[] => {
  let sum = INFINITY;
  return Array.from({ length: most }, () => {
    sum = added(sum, point);
    return sum;
  });
};

/**
 * Multiples of a point for every window of a half, window after window: multiplying is adding then, without a doubling. A digit that is
 * not zero always has its point here.
 */
export type Table = { readonly width: number; readonly points: readonly Point[] };

/** How many points a table has. */
export const tableSize = (width: number): number => windowCount(width) * 2 ** (width - 1);

/** Builds a table: of each power 2^(width·place) its multiples from 1 to 2^(width-1). */
export const tableOf = (point: Point, width: number): Table => {
  let power: Sum = { X: point.x, Y: point.y, Z: 1n };
  const powers = Array.from({ length: windowCount(width) }, () => {
    const own = power;
    for (let done = 0; done < width; done += 1) power = doubled(power);
    return own;
  });
  const all = pointsOf(powers).flatMap((one) => firstMultiples(2 ** (width - 1), one));
  return { width, points: pointsOf(all) };
};

/** A sum and a multiple more, of the point whose table this is. */
export const plusMultiple = (sum: Sum, { width, points }: Table, scalar: bigint): Sum => {
  let total = sum;
  for (const [which, half] of halvesOf(scalar).entries()) {
    const digits = windowsOf(half, width);
    for (const [place, digit] of digits.entries()) {
      const point = points[(place << (width - 1)) + Math.abs(digit) - 1];
      if (digit === 0 || point === undefined) continue;
      total = added(total, withSign(which === 0 ? point : turned(point), digit));
    }
  }
  return total;
};

/** Of few multiples: 1, 3, 5 up to 15 times a point, and the same of λ times it. */
export type OddMultiples = readonly [readonly Point[], readonly Point[]];

const SPARSE = 5;

export const oddMultiplesOf = (point: Point): OddMultiples => {
  const odd = pointsOf(
    firstMultiples(2 ** (SPARSE - 1) - 1, point).filter((_, at) => at % 2 === 0),
  );
  return [odd, odd.map(turned)];
};

/** The sum of a multiple of each point, all of them over one chain of doublings (Strauss and Shamir; GECC algorithm 3.51). */
export const sumOf = (terms: readonly (readonly [OddMultiples, bigint])[]): Sum => {
  const walks = terms.flatMap(([odd, scalar]) =>
    halvesOf(scalar).map((half, which) => ({
      points: odd[which as 0 | 1],
      digits: sparseOf(half, SPARSE),
    })),
  );
  let sum = INFINITY;
  for (let place = HALF_BITS - 1; place >= 0; place -= 1) {
    sum = doubled(sum);
    for (const { points, digits } of walks) {
      const digit = digits[place] ?? 0;
      const point = points[Math.abs(digit) >> 1];
      if (digit !== 0 && point !== undefined) sum = added(sum, withSign(point, digit));
    }
  }
  return sum;
};
