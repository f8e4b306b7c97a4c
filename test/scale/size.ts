/** What `npm run scale` orders; the tests alone build the small one. */
export type Size = { readonly calls: number; readonly accounts: number };

export const SMALL: Size = { calls: 20_000, accounts: 500 };

/** What one question took. */
export type Measured = {
  readonly question: string;
  readonly items: number;
  /** Of five runs. */
  readonly medianMs: number;
  readonly mostMs: number;
};

declare module 'vitest' {
  // Declaration merging needs an interface.
  // oxlint-disable-next-line typescript/consistent-type-definitions
  interface TaskMeta {
    /** What was measured, for `dev/scale.ts`. */
    measured?: readonly Measured[];
  }
}
