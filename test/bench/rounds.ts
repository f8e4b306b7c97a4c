/** Options of the tests of `npm run bench`. */
export type BenchOptions = { readonly rounds: number; readonly calls: number };

/** Calls a second by round: of accounts with a common owner, and of accounts without one. */
export type Rounds = {
  readonly children: readonly number[];
  readonly alone: readonly number[];
  /** Requests to the owner for each paid call of its children. */
  readonly ownerRequests: number;
};

/** Rows written for each paid call, including deletes and alarms: of a single call, and of 32 concurrent calls of one account. */
export type Rows = { readonly alone: number; readonly atOnce: number };

declare module 'vitest' {
  // Declaration merging needs an interface.
  // oxlint-disable-next-line typescript/consistent-type-definitions
  interface TaskMeta {
    /** Results for `dev/bench.ts`. */
    rounds?: Rounds;
    rows?: Rows;
  }
}

/** Number of concurrent accounts. */
export const ACCOUNTS = 64;
