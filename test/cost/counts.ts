/** Figures of calls that Cloudflare bills or that documents name. `npm run cost` counts each; none is estimated. */
export const COUNTED = [
  'worker',
  'batches',
  'reserve',
  'finish',
  'decide',
  'settled',
  'exported',
  'alarm',
  'objectWritten',
  'objectRead',
  'settlementMessages',
  'settlementBytes',
  'auditMessages',
  'auditBytes',
  'operations',
  'databaseQueries',
  'databaseWritten',
  'databaseRead',
  'points',
  'lines',
] as const;

export type Counted = (typeof COUNTED)[number];

export type Counts = Readonly<Record<Counted, number>>;

export const NOTHING: Counts = Object.fromEntries(COUNTED.map((name) => [name, 0])) as Counts;

const each = (value: (name: Counted) => number): Counts =>
  Object.fromEntries(COUNTED.map((name) => [name, value(name)])) as Counts;

/** Divides the difference of two counts by the number of calls. */
export const perCall = (after: Counts, before: Counts, calls: number): Counts =>
  each((name) => (after[name] - before[name]) / calls);

/** Bytes that a call adds to storage. */
export type Bytes = {
  /** Bytes in the account's object, until the account prunes the call. */
  readonly object: number;
  /** Bytes in D1, until the archive moves the call's chunk. */
  readonly database: number;
  /** Bytes of chunks in D1. The rest are rows of lists, which stay. */
  readonly chunks: number;
};

/** Rows that an account reads for each call that it has stored. */
export type Reads = {
  readonly alarm: number;
  readonly wake: number;
};

/** Cost of a call in the steady state of one call a second, in which each call causes the pruning of another. */
export type Steady = {
  readonly remembered: number;
  readonly counts: Counts;
};

export type CostOptions = { readonly calls: number };

/** Concurrent calls of one account. */
export const AT_ONCE = 32;

declare module 'vitest' {
  // Declaration merging needs an interface.
  // oxlint-disable-next-line typescript/consistent-type-definitions
  interface TaskMeta {
    /** Counts for `dev/cost.ts`: of a call alone, and of one of 32 concurrent calls. */
    counts?: { readonly alone: Counts; readonly atOnce: Counts };
    bytes?: { readonly alone: Bytes; readonly atOnce: Bytes };
    reads?: Reads;
    steady?: Steady;
  }
}
