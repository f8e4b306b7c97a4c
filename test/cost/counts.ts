/** What Cloudflare bills, or a document says, of calls: each is counted by `npm run cost`, none is estimated. */
export const COUNTED = [
  'worker',
  'batches',
  'reserve',
  'finish',
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

/** What came since, divided among so many calls. */
export const perCall = (after: Counts, before: Counts, calls: number): Counts =>
  each((name) => (after[name] - before[name]) / calls);

/** Bytes that a call adds to what is kept of it. */
export type Bytes = {
  /** In the object of its account, while it is remembered. */
  readonly object: number;
  /** In D1, until its chunk is archived. */
  readonly database: number;
  /** Of that, what chunks are; the rest are projections, which stay. */
  readonly chunks: number;
};

/** How much more an account reads where it remembers more calls, rows a remembered call. */
export type Reads = {
  readonly alarm: number;
  readonly wake: number;
};

/** Of an account that is called each second: what a call costs when as many are forgotten as are made. */
export type Steady = {
  readonly remembered: number;
  readonly counts: Counts;
};

export type CostOptions = { readonly calls: number };

/** How many calls of one account are made at once. */
export const AT_ONCE = 32;

declare module 'vitest' {
  // Declaration merging needs an interface.
  // oxlint-disable-next-line typescript/consistent-type-definitions
  interface TaskMeta {
    /** What was counted, for `dev/cost.ts`: of a call alone, and of one of 32. */
    counts?: { readonly alone: Counts; readonly atOnce: Counts };
    bytes?: { readonly alone: Bytes; readonly atOnce: Bytes };
    reads?: Reads;
    steady?: Steady;
  }
}
