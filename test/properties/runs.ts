import { inject } from 'vitest';

/** Returns how many of `all` runs to make. The seed is the same, so that `npm run test:deep` makes the first of them. */
export const runsOf = (all: number): number => (inject('thorough') ? all : Math.ceil(all / 5));
