import type { Seconds } from '../core/clock.ts';
import type { Outage } from './record-outages.ts';

/**
 * How old the oldest message of a queue may be. A settlement message waits for its chain; log entries are stored within seconds. The
 * webhook queue is not checked, because its retries wait for hours on purpose.
 */
const LATE: readonly (readonly [
  name: string,
  binding: 'SETTLEMENT_QUEUE' | 'AUDIT_QUEUE',
  age: Seconds,
])[] = [
  ['settlement', 'SETTLEMENT_QUEUE', 900],
  ['audit', 'AUDIT_QUEUE', 300],
];

/** Finds the queues whose oldest message is too old because their consumer has stopped. @throws Error if a queue does not answer */
export const queueOutages = async (
  env: Pick<Env, 'SETTLEMENT_QUEUE' | 'AUDIT_QUEUE'>,
  now: Seconds,
): Promise<readonly Outage[]> => {
  const outages: Outage[] = [];
  for (const [queue, binding, age] of LATE) {
    const { oldestMessageTimestamp } = await env[binding].metrics();
    // The local queue reports an empty backlog as time 0.
    const oldest = Math.floor(Number(oldestMessageTimestamp ?? 0) / 1_000);
    if (oldest > 0 && now - oldest > age)
      outages.push({ subject: queue, detail: { queue, oldest } });
  }
  return outages;
};
