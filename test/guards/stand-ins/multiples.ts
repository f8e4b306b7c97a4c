import * as real from '../../../src/crypto/secp256k1/multiples.ts';
import { counted } from '../tally.ts';

/** Stands in for multiples of points and their sums: it does the same, and counts. */
export const { tableSize } = real;
export const tableOf = counted('point.table', real.tableOf);
export const plusMultiple = counted('point.multiple', real.plusMultiple);
export const oddMultiplesOf = counted('point.odd', real.oddMultiplesOf);
export const sumOf = counted('point.sum', real.sumOf);
