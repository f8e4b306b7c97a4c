import type { Pending } from '../../src/settlement/relayer/pending.ts';
import type { Reader } from '../store/query.ts';
import { COUNTERS, type Counters, noCounters } from './counters.ts';
import { FLIGHT, type FlightRecord } from './flight.ts';
import { PENDING } from './pending-noun.ts';
import { REPORT, type ReportRecord } from './report-record.ts';

/** Everything that a relayer stores. */
export type Stored = {
  readonly pending: readonly Pending[];
  readonly flights: readonly FlightRecord[];
  readonly reports: readonly ReportRecord[];
  readonly counters: Counters;
};

export const loadStored = (read: Reader): Stored => {
  const [counters = noCounters] = read.find(COUNTERS);
  return {
    pending: [...read.find(PENDING)],
    flights: [...read.find(FLIGHT)],
    reports: [...read.find(REPORT)],
    counters,
  };
};
