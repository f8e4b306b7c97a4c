import type { Seconds } from '../../core/clock.ts';
import { lasting } from '../../core/lasting.ts';
import { momentOf } from './time.ts';

const DAY = 86_400;
const MINUTE = 60;

const clock = new Intl.DateTimeFormat('en-GB', {
  hourCycle: 'h23',
  hour: '2-digit',
  minute: '2-digit',
});

/** `Wait 45 s`, or for longer also until when, in the viewer's zone: `Wait until 15:42 (12 min from now)`. */
export const waitText = (seconds: Seconds, now: Seconds): string => {
  const duration = lasting(seconds);
  // The clock has no seconds: the next minute is the first at which the wait is over.
  const until = Math.ceil((now + seconds) / MINUTE) * MINUTE;
  if (seconds < 2 * MINUTE) return `Wait ${duration}`;
  return `Wait until ${seconds < DAY ? clock.format(until * 1000) : momentOf(until)} (${duration} from now)`;
};
