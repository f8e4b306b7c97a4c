import * as z from 'zod/mini';
import { reasonText } from './wire-fields.ts';

/** Everything that raises an alert. */
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
  'tool_changed',
  'database_size',
  'database_unavailable',
  'backend',
] as const;

export type AlertRule = (typeof ALERT_RULES)[number];

/** An alert for operators or owners (entry `alert.raised`). */
export type AlertBody = {
  readonly rule: AlertRule;
  readonly detail: Readonly<Record<string, string | number>>;
};

const EVENTS = `must be a list of ${ALERT_RULES.join(', ')}, each once, or of "*"`;

const URL_HINT = 'must be an absolute https URL of at most 2048 characters';

/** The receiver of alerts. The schema checks the form of the URL; `readEgressUrl` decides which hosts are allowed. */
export const webhookSchema = z.strictObject(
  {
    url: z.string(URL_HINT).check(z.maxLength(2048, URL_HINT)),
    events: z.array(z.enum(['*', ...ALERT_RULES], EVENTS), EVENTS).check(
      z.minLength(1, EVENTS),
      z.refine((list) => new Set(list).size === list.length, EVENTS),
    ),
    description: z.exactOptional(reasonText),
  },
  'must be an object {url, events, description?}',
);

export type WebhookDocument = z.input<typeof webhookSchema>;
