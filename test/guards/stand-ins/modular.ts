import * as real from '@noble/curves/abstract/modular.js';
import { count } from '../tally.ts';

/** Stands in for divisions modulo a number: it does the same, and counts. */
export const invert: typeof real.invert = (...given) => {
  count('inversion');
  return real.invert(...given);
};
