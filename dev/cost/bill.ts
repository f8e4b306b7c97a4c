import type { Counts } from '../../test/cost/counts.ts';
import { OBJECT_GIGABYTES, OBJECT_SECONDS, PRICES } from './prices.ts';

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

/** Counts invocations of Worker and objects. Each is an event in Workers Logs with the sampling of `wrangler.toml`. */
export const invocations = (counts: Counts): number =>
  counts.worker + counts.batches + objectRequests(counts);

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
  { what: 'Workers Logs events', each: invocations(counts) + counts.lines, price: PRICES.logEvent },
];

/** Computes the bill of a Worker without state. */
export const plainBill = (requests: number, cpu: number): readonly Line[] => [
  { what: 'Worker requests', each: requests, price: PRICES.workerRequest },
  { what: 'Worker CPU, ms', each: cpu, price: PRICES.workerCpuMillisecond },
  { what: 'Workers Logs events', each: requests, price: PRICES.logEvent },
];

/** Sums a bill: dollars for a million calls. */
export const dollars = (lines: readonly Line[]): number =>
  lines.reduce((sum, { each, price }) => sum + each * price, 0);
