import {
  type DatabaseOutageFigures,
  runDatabaseOutage,
} from '../../test/chaos/outage/run-database-outage.ts';
import type { OutageOptions } from '../../test/chaos/outage/run-outage.ts';

/** Seconds from the return of the database until it must have every entry: a queue delivers a message again after a minute at most. */
const MOST_BEHIND = 90;

/** The faults that an outage of the database caused. Empty if it lost and refused nothing. */
export const faultsOf = ({
  refused,
  losses,
  unlogged,
  deadLetters,
  storedAfter,
  verdicts,
  reads,
}: DatabaseOutageFigures): readonly string[] => [
  ...refused.slice(0, 5).map(({ status, body }) => `refused: ${status} ${body}`),
  ...losses.slice(0, 20),
  ...unlogged.map((account) => `the transparency log lacks entries of ${account}`),
  ...(deadLetters === 0 ? [] : [`${deadLetters} dead letters`]),
  ...(storedAfter < MOST_BEHIND ? [] : [`entries were stored ${storedAfter} s after the return`]),
  ...Object.entries(verdicts).flatMap(([check, verdict]) =>
    verdict === 'proved' ? [] : [`check ${check}: ${verdict}`],
  ),
  ...Object.entries(reads).flatMap(([read, type]) =>
    type === STORAGE_UNAVAILABLE ? [] : [`${read} answered ${type}`],
  ),
];

const STORAGE_UNAVAILABLE = '503 urn:countersign:problem:storage-unavailable';

/**
 * Runs a load through an outage of D1 and prints what it found.
 *
 * @returns the exit code: 1 if a call was refused, or a payment or an entry is lost, out of order, duplicated or late.
 */
export const reportDatabaseOutage = async (
  options: OutageOptions,
  json: boolean,
): Promise<number> => {
  const figures = await runDatabaseOutage(options);
  const wrong = faultsOf(figures);
  if (wrong.length > 0) console.log(`\nBROKEN:\n${wrong.map((line) => `  ${line}`).join('\n')}`);
  const { refused, losses, latency, kept } = figures;
  console.log(`
calls                         ${figures.answered}, ${figures.duringOutage} of them in the outage
refused                       ${refused.length}
lost                          ${losses.length}
answered in the outage        p50 ${latency.p50.toFixed(0)} ms, p99 ${latency.p99.toFixed(0)} ms
entries kept at the return    ${kept.all}, at most ${kept.most} by one account
messages                      ${figures.messages}, delivered ${figures.deliveries} times in the outage
stored                        ${figures.storedAfter.toFixed(1)} s after the return
dead letters                  ${figures.deadLetters}
alerts                        ${figures.alerts}
audit verify                  ${figures.entries} entries, ${JSON.stringify(figures.verdicts)}`);
  if (json) {
    console.log(JSON.stringify({ ...figures, refused: refused.length, losses: losses.length }));
  }
  return wrong.length > 0 ? 1 : 0;
};
