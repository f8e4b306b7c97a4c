/** List prices beyond what the Workers Paid plan includes, in dollars for a million; `docs/cost.md` names the pages and the day they were read. */
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

/** Dollars for a gigabyte and month. */
export const STORAGE = { database: 0.75, object: 0.2 } as const;

/** Dollars that the facilitator of the Coinbase Developer Platform takes for a transaction, after the first thousand of a month. */
export const CDP_FEE = 0.001;

/**
 * How long an object is billed for a request. Assumed: what it waits for (storage being made durable elsewhere) is not there on one
 * machine. An object is billed for 128 MB.
 */
export const OBJECT_SECONDS = 0.01;
export const OBJECT_GIGABYTES = 0.128;

/** What a transaction costs on Base: assumed, but for the least base fee. */
export const CHAIN = {
  /** Least base fee 0.005, and a tip of 0.001. */
  gwei: 0.006,
  etherDollars: 3_000,
} as const;

/** Gas of a payment by our own key, measured on a local chain with Circle's code (docs/configuration.md). */
export const GAS = [
  ['one payment', 85_700],
  ['20 of 20 payers', 52_400],
  ['100 of 100 payers', 50_700],
  ['100 of one payer', 43_500],
] as const;

/** Dollars of a million payments, without what a rollup takes for data on its first layer. */
export const gasDollars = (gas: number): number =>
  gas * CHAIN.gwei * 1e-9 * CHAIN.etherDollars * 1_000_000;
