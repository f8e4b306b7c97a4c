/** What `npm run bench` asks of its test. */
export type BenchOptions = { readonly rounds: number; readonly calls: number };

/** Calls a second, round by round: of accounts below one owner, and of as many that stand alone. */
export type Rounds = {
  readonly below: readonly number[];
  readonly alone: readonly number[];
  /** How often the owner was asked, for each paid call of its children. */
  readonly asked: number;
};

/** Rows written for each paid call, deletes and alarms included: of a call alone, and of 32 of one account at once. */
export type Rows = { readonly alone: number; readonly atOnce: number };

declare module 'vitest' {
  // Declaration merging needs an interface.
  // oxlint-disable-next-line typescript/consistent-type-definitions
  interface TaskMeta {
    /** What was measured, for `dev/bench.ts`. */
    rounds?: Rounds;
    rows?: Rows;
  }
}

/** How many accounts call at once. */
export const ACCOUNTS = 64;
