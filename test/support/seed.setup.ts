import fc from 'fast-check';
import { inject } from 'vitest';

declare module 'vitest' {
  // Declaration merging needs an interface.
  // oxlint-disable-next-line typescript/consistent-type-definitions
  interface ProvidedContext {
    /** Set by `npm run properties`: runs every interleaving that a test's name promises, instead of a fifth. */
    thorough: boolean;
  }
}

// The seed of every property is always the same, so that a failure comes from the change under test; `npm run properties` takes a random
// one, which fast-check prints with a counterexample.
fc.configureGlobal(inject('thorough') ? {} : { seed: 3 });
