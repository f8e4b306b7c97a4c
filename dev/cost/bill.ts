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

/** Dollars for a gigabyte and a month. */
export const STORAGE = { database: 0.75, object: 0.2 } as const;

/** Dollars for a transaction by the facilitator of the Coinbase Developer Platform, after the first thousand of a month. */
export const CDP_FEE = 0.001;

/** Billed duration of a request to an object, with 128 MB. Assumed: on one machine, an object does not wait for replicas of its storage. */
export const OBJECT_SECONDS = 0.01;
export const OBJECT_GIGABYTES = 0.128;

/** Assumed cost of a transaction on Base. */
export const CHAIN = {
  /** The minimum base fee of 0.005, and a tip of 0.001. */
  gwei: 0.006,
  etherDollars: 3_000,
} as const;

/** Gas of a payment by the relayer, measured on a local chain with the code of USDC. */
export const GAS = [
  ['one payment', 85_700],
  ['20 of 20 payers', 52_400],
  ['100 of 100 payers', 50_700],
  ['100 of one payer', 43_500],
] as const;

/** Computes the gas of a million payments in dollars, without the data fee of a rollup. */
export const gasDollars = (gas: number): number =>
  gas * CHAIN.gwei * 1e-9 * CHAIN.etherDollars * 1_000_000;

/** A line of a bill: units per call, and dollars for a million units. */
export type Line = {
  readonly what: string;
  readonly each: number;
  readonly price: number;
};

/** CPU of a call in milliseconds, from the newest results of `npm run bench`. */
export type Cpu = {
  readonly file: string;
  readonly alone: number;
  readonly atOnce: number;
  readonly exact: number;
  readonly apiKey: number;
};

/** Sums the requests of objects. */
export const objectRequests = ({ reserve, finish, settled, exported, alarm }: Counts): number =>
  reserve + finish + settled + exported + alarm;

/** Counts invocations of Worker and objects. */
export const invocations = (counts: Counts): number =>
  counts.worker + counts.batches + objectRequests(counts);

/** The part of all invocations that Workers Logs keep: `head_sampling_rate` in `wrangler.toml`. */
const LOGGED = 0.01;

/** Computes the bill of a call. */
export const billOf = (counts: Counts, cpu: number): readonly Line[] => [
  { what: 'Worker requests', each: counts.worker, price: PRICES.workerRequest },
  { what: 'Worker CPU, ms', each: cpu, price: PRICES.workerCpuMillisecond },
  { what: 'object requests', each: objectRequests(counts), price: PRICES.objectRequest },
  {
    what: 'object duration, GB-s',
    each: objectRequests(counts) * OBJECT_SECONDS * OBJECT_GIGABYTES,
    price: PRICES.objectGigabyteSecond,
  },
  { what: 'object rows written', each: counts.objectWritten, price: PRICES.rowWritten },
  { what: 'object rows read', each: counts.objectRead, price: PRICES.rowRead },
  { what: 'queue operations', each: counts.operations, price: PRICES.queueOperation },
  { what: 'D1 rows written', each: counts.databaseWritten, price: PRICES.rowWritten },
  { what: 'D1 rows read', each: counts.databaseRead, price: PRICES.rowRead },
  { what: 'Analytics Engine points', each: counts.points, price: PRICES.analyticsPoint },
  {
    what: 'Workers Logs events',
    each: LOGGED * (invocations(counts) + counts.lines),
    price: PRICES.logEvent,
  },
];

/** Computes the bill of a Worker without state. */
export const plainBill = (requests: number, cpu: number): readonly Line[] => [
  { what: 'Worker requests', each: requests, price: PRICES.workerRequest },
  { what: 'Worker CPU, ms', each: cpu, price: PRICES.workerCpuMillisecond },
  { what: 'Workers Logs events', each: LOGGED * requests, price: PRICES.logEvent },
];

/** Sums a bill: dollars for a million calls. */
export const dollars = (lines: readonly Line[]): number =>
  lines.reduce((sum, { each, price }) => sum + each * price, 0);
