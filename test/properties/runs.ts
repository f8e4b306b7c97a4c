import { inject } from 'vitest';

/**
 * Returns how many of `all` runs to make: all of them in `npm run properties`, otherwise a fifth. The seed is the same, so `npm run
 * test:deep` makes the first of them.
 */
export const runsOf = (all: number): number => (inject('thorough') ? all : Math.ceil(all / 5));
