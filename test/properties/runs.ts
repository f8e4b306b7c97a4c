import { inject } from 'vitest';

declare module 'vitest' {
  // Declaration merging needs an interface.
  // oxlint-disable-next-line typescript/consistent-type-definitions
  interface ProvidedContext {
    /** `npm run properties`: every interleaving that stands in a test's name, not a fifth of them. */
    thorough: boolean;
  }
}

/** How many of `all` runs this one makes. The seed is the same, so that those of `npm test` are the first of them. */
export const runsOf = (all: number): number => (inject('thorough') ? all : Math.ceil(all / 5));
