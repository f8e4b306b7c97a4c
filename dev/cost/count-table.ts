import { COUNTED, type Counted, type Counts } from '../../test/cost/counts.ts';

/** Labels of counts in `docs/cost.md`. Sizes vary between runs and have a table of their own. */
export const COUNT_NAMES = {
  worker: 'Worker requests: the 402, the paid call',
  batches: 'Worker invocations by queues',
  reserve: 'object requests: `reserve`',
  finish: 'object requests: `finish`',
  settled: 'object requests: `settled`',
  exported: 'object requests: `exported`',
  alarm: 'object requests: alarms',
  objectWritten: 'object rows written, including deletes and alarms',
  objectRead: 'object rows read',
  settlementMessages: 'settlement messages',
  auditMessages: 'audit messages',
  operations: 'queue operations',
  databaseQueries: 'D1 queries',
  databaseWritten: 'D1 rows written, including indexes',
  databaseRead: 'D1 rows read',
  points: 'Analytics Engine points',
  lines: 'log lines of the gateway',
} as const satisfies Partial<Record<Counted, string>>;

export type Named = keyof typeof COUNT_NAMES;

export const NAMED = COUNTED.filter((name): name is Named => name in COUNT_NAMES);

/** Formats a count. */
export const written = (value: number): string => String(Number(value.toFixed(2)));

/** Formats the counts of a call. */
export const countTable = (alone: Counts, atOnce: Counts): readonly string[] => [
  '| a paid call | single | one of 32 |',
  '|---|--:|--:|',
  ...NAMED.map(
    (name) => `| ${COUNT_NAMES[name]} | ${written(alone[name])} | ${written(atOnce[name])} |`,
  ),
];
