import { inject } from 'vitest';

declare module 'vitest' {
  // Declaration merging needs an interface.
  // oxlint-disable-next-line typescript/consistent-type-definitions
  interface ProvidedContext {
    /** Set by `npm run test:deep`: properties make all their runs. */
    deep: boolean;
  }
}

/** The runs of a property: all of them in `npm run test:deep`, a few in `npm test`. */
export const runs = (all: number, few = Math.ceil(all / 20)): number =>
  inject('deep') ? all : few;
