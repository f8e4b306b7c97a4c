import type { Counts } from '../../test/cost/counts.ts';

/** List prices beyond the included usage of the Workers Paid plan, in dollars for a million. `docs/cost.md` names sources and dates. */
export const PRICES = {
  workerRequest: 0.3,
  workerCpuMillisecond: 0.02,
  objectRequest: 0.15,
  objectGigabyteSecond: 12.5,
  rowWritten: 1,
  rowRead: 0.001,
  queueOperation: 0.4,
  logEvent: 0.6,
  analyticsPoint: 0.25,
} as const;

/** The Workers Paid plan: dollars a month. */
export const PLAN = 5;

/** Units a month that the plan includes. D1 and objects have an allowance of rows each. */
const INCLUDED = {
  workerRequest: 10e6,
  workerCpuMillisecond: 30e6,
  objectRequest: 1e6,
  objectGigabyteSecond: 400e3,
  rowWritten: 50e6,
  rowRead: 25e9,
  queueOperation: 1e6,
  logEvent: 20e6,
  analyticsPoint: 10e6,
} as const satisfies Readonly<Record<keyof typeof PRICES, number>>;

/** Gigabytes of D1 that the plan includes. */
const INCLUDED_GIGABYTES = 5;

/** Dollars for a gigabyte and a month. */
export const STORAGE = { database: 0.75, object: 0.2 } as const;

/** Dollars for a transaction by the facilitator of the Coinbase Developer Platform, after the first thousand of a month. */
export const CDP_FEE = 0.001;

/** Billed seconds of a request to an object, with 128 MB. Assumed, not measured: a local object does not wait for storage replicas. */
export const OBJECT_SECONDS = 0.01;
export const OBJECT_GIGABYTES = 0.128;

/** Assumed cost of a transaction on Base. */
export const CHAIN = {
  /** The minimum base fee of 0.005, and a tip of 0.001. */
  gwei: 0.006,
  etherDollars: 3_000,
} as const;

/** Gas of a payment by the relayer, measured on a local chain with the code of USDC. `npm run gas` measures `upto`. */
export const GAS = [
  ['one payment', 85_700],
  ['20 of 20 payers', 52_400],
  ['100 of 100 payers', 50_700],
  ['100 of one payer', 43_500],
  ['one payment by `upto`', 97_800],
] as const;

/** Computes the gas of a million payments in dollars, without the data fee of a rollup. */
export const gasDollars = (gas: number): number =>
  gas * CHAIN.gwei * 1e-9 * CHAIN.etherDollars * 1_000_000;

/** A line of a bill: units per call, dollars for a million units, and units that the plan includes in a month. */
export type Line = {
  readonly what: string;
  readonly each: number;
  readonly price: number;
  readonly included: number;
};

const line = (what: string, each: number, of: keyof typeof PRICES): Line => ({
  what,
  each,
  price: PRICES[of],
  included: INCLUDED[of],
});

/** CPU of a call in milliseconds, from the newest results of `npm run bench`. */
export type Cpu = {
  readonly file: string;
  readonly alone: number;
  readonly atOnce: number;
  readonly exact: number;
  readonly apiKey: number;
};

/** Sums the requests of objects. */
export const objectRequests = ({
  reserve,
  finish,
  decide,
  settled,
  exported,
  alarm,
}: Counts): number => reserve + finish + decide + settled + exported + alarm;

/** Counts invocations of Worker and objects. */
export const invocations = (counts: Counts): number =>
  counts.worker + counts.batches + objectRequests(counts);

/** The part of all invocations that Workers Logs keep: `head_sampling_rate` in `wrangler.toml`. */
const LOGGED = 0.01;

/** Computes the bill of a call. */
export const billOf = (counts: Counts, cpu: number): readonly Line[] => [
  line('Worker requests', counts.worker, 'workerRequest'),
  line('Worker CPU, ms', cpu, 'workerCpuMillisecond'),
  line('object requests', objectRequests(counts), 'objectRequest'),
  line(
    'object duration, GB-s',
    objectRequests(counts) * OBJECT_SECONDS * OBJECT_GIGABYTES,
    'objectGigabyteSecond',
  ),
  line('object rows written', counts.objectWritten, 'rowWritten'),
  line('object rows read', counts.objectRead, 'rowRead'),
  line('queue operations', counts.operations, 'queueOperation'),
  line('D1 rows written', counts.databaseWritten, 'rowWritten'),
  line('D1 rows read', counts.databaseRead, 'rowRead'),
  line('Analytics Engine points', counts.points, 'analyticsPoint'),
  line('Workers Logs events', LOGGED * (invocations(counts) + counts.lines), 'logEvent'),
];

/** Computes the bill of a Worker without state. */
export const plainBill = (requests: number, cpu: number): readonly Line[] => [
  line('Worker requests', requests, 'workerRequest'),
  line('Worker CPU, ms', cpu, 'workerCpuMillisecond'),
  line('Workers Logs events', LOGGED * requests, 'logEvent'),
];

/**
 * Computes the bill of a month in dollars: the plan, what exceeds its allowances, and D1 at the end of that month.
 *
 * @param bytes of D1 for each call
 */
export const monthlyDollars = (lines: readonly Line[], bytes: number, calls: number): number =>
  PLAN +
  lines.reduce(
    (sum, { each, price, included }) => sum + (Math.max(0, each * calls - included) * price) / 1e6,
    0,
  ) +
  Math.max(0, (bytes * calls) / 1e9 - INCLUDED_GIGABYTES) * STORAGE.database;

/** Sums a bill: dollars for a million calls. */
export const dollars = (lines: readonly Line[]): number =>
  lines.reduce((sum, { each, price }) => sum + each * price, 0);
