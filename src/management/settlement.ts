import * as z from 'zod/mini';
import { account, page, why } from './fields.ts';

export const SETTLEMENT_STATES = ['open', 'settled', 'failed', 'released'] as const;

export const settlementsQuery = z.strictObject({
  ...page,
  state: z.exactOptional(
    z.enum(SETTLEMENT_STATES, `must be one of ${SETTLEMENT_STATES.join(', ')}`),
  ),
  account: z.exactOptional(account),
});

export const writeOffBody = z.strictObject({ reason: why }, 'must be an object {reason}');

export const deadLettersQuery = z.strictObject(page);
