import type { Findings } from './figures.ts';
import type { Kind } from './kind.ts';

/** What `npm run falsify` asks of its tests: JSON in the environment, handed over by `vitest.config.ts`. */
export type FalsifyOptions = {
  readonly seed: number;
  readonly seeds: number;
  /** Of each account, in each scenario. */
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
    /** What a scenario has found out, for `dev/falsify.ts`. */
    findings?: readonly Findings[];
  }
}
