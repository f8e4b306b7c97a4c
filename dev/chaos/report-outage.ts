import { type OutageOptions, runOutage } from '../../test/chaos/outage/run-outage.ts';

const seconds = (value: number): string => `${value.toFixed(1)} s`;

/**
 * Runs a load through an outage of chain and backends and prints what it found.
 *
 * @returns the exit code: 1 if a call was refused, a payment was lost, or the backlog outlasted the outage's length.
 */
export const reportOutage = async (options: OutageOptions, json: boolean): Promise<number> => {
  const { refused, latency, backlog, losses, ...figures } = await runOutage(options);
  const isLate = !(figures.clearedAfter <= options.seconds);
  const wrong = [
    ...refused.slice(0, 5).map(({ status, body }) => `refused: ${status} ${body}`),
    ...losses.slice(0, 20),
    ...(isLate ? ['the backlog outlasted its time'] : []),
  ];
  if (wrong.length > 0) console.log(`\nBROKEN:\n${wrong.map((line) => `  ${line}`).join('\n')}`);
  console.log(`
calls                         ${figures.answered}, ${figures.duringOutage} of them in the outage
refused                       ${refused.length}
lost                          ${losses.length}
answered in the outage        p50 ${latency.p50.toFixed(0)} ms, p99 ${latency.p99.toFixed(0)} ms
backlog                       ${backlog.before} before, ${backlog.atReturn} at the return, ${backlog.atEnd} after ${options.seconds} s more
backlog of the outage gone    ${seconds(figures.clearedAfter)} after the return`);
  if (json) {
    console.log(
      JSON.stringify({
        ...figures,
        refused: refused.length,
        latency,
        backlog,
        losses: losses.length,
      }),
    );
  }
  return wrong.length > 0 ? 1 : 0;
};
