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

/**
 * Returns the seed of a property for `fc.assert`: always the same in `npm run test:deep`, so that a failure there comes from the change
 * under test; a random one, which fast-check prints with a counterexample, in `npm run properties`.
 */
export const seeded = (): { readonly seed?: number } => (inject('thorough') ? {} : { seed: 3 });
