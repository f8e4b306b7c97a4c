import type { Style } from '../lib/output.ts';
import type { Decision } from './decision.ts';

/** The colour of a verdict. */
export const verdictStyle = (style: Style, verdict: Decision['verdict']): Style['good'] => {
  switch (verdict) {
    case 'allowed':
    case 'charged':
    case 'paid':
      return style.good;
    case 'denied':
    case 'failed':
      return style.bad;
    case 'alert':
      return style.warn;
    case 'order':
      return style.accent;
  }
};
