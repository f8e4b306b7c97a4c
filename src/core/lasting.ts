import type { Seconds } from './clock.ts';

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86_400;

/**
 * A duration in its largest unit of which it has at least two, rounded down: `45 s`, `12 min`, `3 h`, `5 days`. Command and dashboard use
 * this one rule for ages and for times left, so that neither promises more time than there is.
 */
export const lasting = (seconds: Seconds): string => {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 2 * MINUTE) return `${whole} s`;
  if (whole < 2 * HOUR) return `${Math.floor(whole / MINUTE)} min`;
  if (whole < 2 * DAY) return `${Math.floor(whole / HOUR)} h`;
  return `${Math.floor(whole / DAY)} days`;
};
