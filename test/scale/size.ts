/** Size of the data. `npm test` uses the small size. */
export type Size = {
  readonly calls: number;
  readonly accounts: number;
  readonly tools: number;
};

export const SMALL: Size = { calls: 20_000, accounts: 500, tools: 20 };

/** Times of one query. */
export type Measured = {
  readonly query: string;
  readonly items: number;
  /** Median of five runs. */
  readonly medianMs: number;
  readonly mostMs: number;
};

declare module 'vitest' {
  // Declaration merging needs an interface.
  // oxlint-disable-next-line typescript/consistent-type-definitions
  interface TaskMeta {
    /** Times for `dev/scale.ts`. */
    measured?: readonly Measured[];
  }
}
