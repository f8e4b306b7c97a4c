import * as real from '@noble/curves/abstract/modular.js';
import { counted } from '../tally.ts';

/** Stands in for divisions modulo a number: it does the same, and counts. */
export const invert = counted('inversion', real.invert);
