import type { UsageFault } from './metered-charge.ts';

/** States what is wrong with a report of usage, for the caller's answer and the operator's alert: a sentence without its period. */
export const usageFaultWords = (fault: UsageFault): string => {
  const units = fault.unit === '' ? 'usage' : fault.unit.replaceAll('_', ' ');
  switch (fault.fault) {
    case 'not_whole':
      return `The upstream reported ${units} as ${fault.got}, which is not a whole number`;
    case 'huge':
      return `The upstream reported ${fault.got} ${units}, which is absurd`;
    case 'shrinking':
      return `The upstream reported ${fault.got} ${units} after ${fault.before}`;
    case 'duplicated':
      return `The upstream reported ${units} twice in one object`;
    case 'conflicting':
      return `The upstream reported ${units} in two ways that contradict each other`;
  }
};
