import * as z from 'zod/mini';
import { page, why } from './fields.ts';

/** Rules of alerts, and all of them. */
export const ALERT_RULES = [
  'soft_limit',
  'breaker',
  'debt',
  'stuck',
  'dead_letter',
  'webhook_disabled',
  'gas',
  'reconciliation',
  'catalogue_stale',
  'database_size',
  'database_unavailable',
  'backend',
] as const;

const EVENTS = `must be a list of ${ALERT_RULES.join(', ')}, each once, or of "*"`;
const URL_HINT = 'must be an absolute https URL of at most 2048 characters';

/** Where alerts go. Which hosts are refused is for whoever sends to say. */
export const webhookBody = z.strictObject(
  {
    url: z.string(URL_HINT).check(z.maxLength(2048, URL_HINT)),
    events: z.array(z.enum(['*', ...ALERT_RULES], EVENTS), EVENTS).check(
      z.minLength(1, EVENTS),
      z.refine((list) => new Set(list).size === list.length, EVENTS),
    ),
    description: z.exactOptional(why),
  },
  'must be an object {url, events, description?}',
);

export type WebhookDocument = z.input<typeof webhookBody>;

export const webhooksQuery = z.strictObject(page);
