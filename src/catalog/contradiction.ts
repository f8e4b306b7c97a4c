import type { FieldFault } from '../protocol/fault.ts';
import type { Tool } from './tool.ts';

const MAX_TIMEOUT = 25;
/** Ids of what the gateway serves itself: an intent for one of them must never reach an upstream. */
const OWN_ID = /^countersign(?:\.|$)/;

/** What no single field shows: fields of a tool that contradict each other. */
export const contradictions = (tool: Tool): readonly FieldFault[] => {
  const faults: FieldFault[] = [];
  const fault = (field: string, reason: string) => faults.push({ field, reason });
  if (tool.settlement === 'free' && tool.price !== 0n)
    fault('price', 'must be "$0" for a free tool');
  if (tool.settlement !== 'free' && tool.price === 0n) {
    fault('price', 'may be "$0" only with settlement free');
  }
  // An EIP-3009 value is exact: only a debit from credit can be less than what was signed (x402 facts 2.4).
  if (tool.pricing === 'upto' && tool.settlement !== 'credit') {
    fault('price', 'may have a max only with settlement credit');
  }
  if (tool.timeoutSeconds > MAX_TIMEOUT && tool.onSilence !== 'keep') {
    fault('timeoutSeconds', `may be above ${MAX_TIMEOUT} only with onSilence keep`);
  }
  // A kept hold may wait for days; a signature that is not settled first would expire under it.
  if (tool.onSilence === 'keep' && tool.settlement !== 'upfront' && tool.settlement !== 'credit') {
    fault('onSilence', 'may be keep only with settlement upfront or credit');
  }
  if (OWN_ID.test(tool.id))
    fault('id', 'may not start with countersign., which is the gateway itself');
  return faults;
};

/** Where a tool stands: two of one place would hide each other. */
export const placeOf = ({ method, path }: Pick<Tool, 'method' | 'path'>): string =>
  `${method} ${path}`;
