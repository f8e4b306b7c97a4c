import { inject } from 'vitest';

declare module 'vitest' {
  // Declaration merging needs an interface.
  // oxlint-disable-next-line typescript/consistent-type-definitions
  interface ProvidedContext {
    /** Set by `npm run properties`: runs every interleaving that a test's name promises, instead of a fifth. */
    thorough: boolean;
  }
}

/** Returns how many of `all` runs to make. The seed is the same, so that `npm test` makes the first of them. */
export const runsOf = (all: number): number => (inject('thorough') ? all : Math.ceil(all / 5));
