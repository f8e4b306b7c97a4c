import * as z from 'zod/mini';
import { reasonText } from '../protocol/wire-fields.ts';
import { account, page } from './fields.ts';

export const SETTLEMENT_STATES = ['open', 'settled', 'failed', 'released', 'kept'] as const;

export const settlementsQuery = z.strictObject({
  ...page,
  state: z.exactOptional(
    z.enum(SETTLEMENT_STATES, `must be one of ${SETTLEMENT_STATES.join(', ')}`),
  ),
  account: z.exactOptional(account),
});

export const writeOffBody = z.strictObject({ reason: reasonText }, 'must be an object {reason}');

const RESOLUTION = 'must be an object {charge, reason}';
/** `charge`: the tool did its work, and its price is earned; else it is given back. */
export const resolveBody = z.strictObject(
  { charge: z.boolean('must be true or false'), reason: reasonText },
  RESOLUTION,
);

export const deadLettersQuery = z.strictObject(page);
