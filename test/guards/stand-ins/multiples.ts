import * as real from '../../../src/crypto/secp256k1/multiples.ts';
import { count } from '../tally.ts';

/** Stands in for sums of multiples of points: it does the same, and counts. */
export const { tableSize } = real;

export const tableOf: typeof real.tableOf = (...given) => {
  count('point.table');
  return real.tableOf(...given);
};

export const plusMultiple: typeof real.plusMultiple = (...given) => {
  count('point.multiple');
  return real.plusMultiple(...given);
};

export const oddMultiplesOf: typeof real.oddMultiplesOf = (...given) => {
  count('point.odd');
  return real.oddMultiplesOf(...given);
};

export const sumOf: typeof real.sumOf = (...given) => {
  count('point.sum');
  return real.sumOf(...given);
};
