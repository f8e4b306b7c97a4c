import { objectRequests } from './bill.ts';
import type { Bytes, Counts } from '../../test/cost/counts.ts';

const MONTH = 30 * 86_400;
const GIGABYTE = 1e9;

/** Limits of the platform, of `wrangler.toml`, of `FACILITATORS` and of the code. `assumed` are figures that only a deployment can show. */
export const LIMITS = {
  databaseGigabytes: 10,
  accountDatabaseGigabytes: 1_000,
  objectGigabytes: 10,
  objectRequestsPerSecond: 1_000,
  queueMessagesPerSecond: 5_000,
  /** `max_concurrency` of the consumer of settlement. */
  consumers: 20,
  /** Concurrent requests of one isolate to one facilitator. */
  facilitatorConcurrency: 4,
  /** Transactions that one relayer key has in flight at most, and payments in each. */
  flights: 10,
  batch: 100,
  blockSeconds: 2,
  /** Seconds: validity of a proof for a deferred tool, and retention of the call after that. */
  remembered: 3_600 + 600,
  assumed: { settleSeconds: 2, databaseBatchSeconds: 0.005 },
} as const;

type Met = {
  readonly limit: string;
  readonly arithmetic: string;
  /** Calls a month, or in total. */
  readonly calls: number;
  readonly of: 'all accounts, total' | 'all accounts, a month' | 'one account, a month';
};

export type Grown = { readonly alone: Bytes; readonly atOnce: Bytes };
export type Both = { readonly alone: Counts; readonly atOnce: Counts };

const monthly = (perSecond: number): number => perSecond * MONTH;
const kilobytes = (bytes: number): string => (bytes / 1_000).toFixed(1);

/** Computes at how many calls each limit is reached, the nearest first. */
export const limitsOf = ({ alone, atOnce }: Both, bytes: Grown): readonly Met[] => {
  const { assumed } = LIMITS;
  const perFacilitator = (LIMITS.consumers * LIMITS.facilitatorConcurrency) / assumed.settleSeconds;
  const relayed = (LIMITS.flights * LIMITS.batch) / LIMITS.blockSeconds;
  const requests = objectRequests(atOnce);
  const chunks = 1 / assumed.databaseBatchSeconds;
  const remembered = (LIMITS.objectGigabytes * GIGABYTE) / bytes.atOnce.object;
  const all: readonly Met[] = [
    {
      limit: '10 GB of one D1, single calls',
      arithmetic: `10 GB / ${kilobytes(bytes.alone.database)} KB`,
      calls: (LIMITS.databaseGigabytes * GIGABYTE) / bytes.alone.database,
      of: 'all accounts, total',
    },
    {
      limit: '10 GB of one D1, 32 concurrent',
      arithmetic: `10 GB / ${kilobytes(bytes.atOnce.database)} KB`,
      calls: (LIMITS.databaseGigabytes * GIGABYTE) / bytes.atOnce.database,
      of: 'all accounts, total',
    },
    {
      limit: 'one facilitator that takes 2 s (assumed), default settings',
      arithmetic: `${LIMITS.consumers} consumers × ${LIMITS.facilitatorConcurrency} requests / 2 s = ${perFacilitator} a second`,
      calls: monthly(perFacilitator),
      of: 'all accounts, a month',
    },
    {
      limit: '1 TB of D1 in one Cloudflare account, 32 concurrent',
      arithmetic: `1 TB / ${kilobytes(bytes.atOnce.database)} KB`,
      calls: (LIMITS.accountDatabaseGigabytes * GIGABYTE) / bytes.atOnce.database,
      of: 'all accounts, total',
    },
    {
      limit: 'one D1, single calls: 5 ms a batch (assumed), in sequence',
      arithmetic: `${chunks} chunks a second / ${alone.auditMessages.toFixed(2)} chunks a call`,
      calls: monthly(chunks / alone.auditMessages),
      of: 'all accounts, a month',
    },
    {
      limit: 'one relayer key',
      arithmetic: `${LIMITS.flights} transactions × ${LIMITS.batch} payments / 2 s block = ${relayed} a second`,
      calls: monthly(relayed),
      of: 'all accounts, a month',
    },
    {
      limit: '10 GB of one object',
      arithmetic: `10 GB / ${kilobytes(bytes.atOnce.object)} KB = ${(remembered / 1e6).toFixed(2)} M remembered for ${LIMITS.remembered.toLocaleString('en-US')} s`,
      calls: monthly(remembered / LIMITS.remembered),
      of: 'one account, a month',
    },
    {
      limit: '1,000 requests a second of one object (soft)',
      arithmetic: `1,000 / ${requests.toFixed(2)} requests a call`,
      calls: monthly(LIMITS.objectRequestsPerSecond / requests),
      of: 'one account, a month',
    },
    {
      limit: '5,000 messages a second of the settlement queue',
      arithmetic: '1 message a call',
      calls: monthly(LIMITS.queueMessagesPerSecond),
      of: 'all accounts, a month',
    },
  ];
  return all.toSorted((a, b) => a.calls - b.calls);
};
