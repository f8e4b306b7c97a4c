import { createBoundedMap } from '../../core/bounded-map.ts';
import type { Seconds } from '../../core/clock.ts';
import type { UsageFault } from '../../protocol/meter/metered-charge.ts';
import { usageFaultWords } from '../../protocol/meter/usage-fault-words.ts';
import type { Gateway } from '../gateway.ts';

/** How often an isolate raises the alert for one tool. The account ignores repeats from other isolates. */
const ALERT_EVERY: Seconds = 3_600;
const MAX_TOOLS = 256;

/** One instance per isolate. */
const alerted = createBoundedMap<string, Seconds>(MAX_TOOLS);

/** Raises an operator alert for a tool that reported absurd usage: its calls cost nothing. */
export const raiseUsageFault = (
  { raise, waitUntil }: Pick<Gateway, 'raise' | 'waitUntil'>,
  tool: string,
  fault: UsageFault,
  now: Seconds,
): void => {
  if (now < (alerted.get(tool) ?? 0) + ALERT_EVERY) return;
  alerted.set(tool, now);
  const { fault: kind, unit } = fault;
  const detail = { tool, kind, unit, reason: usageFaultWords(fault) };
  const raising = async () => {
    if (!(await raise({ rule: 'absurd_usage', detail }))) alerted.delete(tool);
  };
  waitUntil(raising());
};
