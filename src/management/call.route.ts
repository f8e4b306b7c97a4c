import * as z from 'zod/mini';
import { account, page, seconds, toolId } from './fields.ts';

export const CALL_STATES = ['held', 'committed', 'released', 'abandoned'] as const;
export const CALL_FORMATS = ['json', 'ndjson', 'csv'] as const;

/** `from` is included, `to` is not. */
const filters = {
  ...page,
  tool: z.exactOptional(toolId),
  state: z.exactOptional(z.enum(CALL_STATES, `must be one of ${CALL_STATES.join(', ')}`)),
  from: z.exactOptional(seconds),
  to: z.exactOptional(seconds),
  format: z.exactOptional(z.enum(CALL_FORMATS, `must be one of ${CALL_FORMATS.join(', ')}`)),
};

export const callsQuery = z.strictObject(filters);

export const allCallsQuery = z.strictObject({ ...filters, account: z.exactOptional(account) });
