import type { Findings } from './figures.ts';
import type { Kind } from './kind.ts';

/** Options of `npm run falsify`: JSON in an environment variable, which `vitest.config.ts` provides to the tests. */
export type FalsifyOptions = {
  readonly seed: number;
  readonly seeds: number;
  /** Number of calls of each account in each scenario. */
  readonly calls: number;
  readonly kinds: readonly Kind[];
};

declare module 'vitest' {
  // Declaration merging needs an interface.
  // oxlint-disable-next-line typescript/consistent-type-definitions
  interface ProvidedContext {
    options: string;
  }
  // oxlint-disable-next-line typescript/consistent-type-definitions
  interface TaskMeta {
    /** Results of a scenario, which `dev/falsify.ts` prints. */
    findings?: readonly Findings[];
  }
}
