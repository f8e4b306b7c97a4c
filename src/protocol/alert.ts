import * as z from 'zod/mini';
import { reasonText } from './wire-fields.ts';

/** Conditions that the gateway checks every minute. Each raises an alert when it begins, and one of kind `ended` when it is over. */
export const OUTAGE_RULES = [
  'facilitator_away',
  'chain_stuck',
  'upstream_failing',
  'queue_late',
  'cron_missed',
] as const;

export type OutageRule = (typeof OUTAGE_RULES)[number];

/** `critical`: calls or payments fail now. `warning`: part of the gateway fails, or will. `notice`: for information. */
export type Severity = 'critical' | 'warning' | 'notice';

/** Everything that raises an alert, and how urgent it is. `alert-words.ts` has the words. */
const SEVERITIES = {
  facilitator_away: 'critical',
  chain_stuck: 'critical',
  upstream_failing: 'critical',
  queue_late: 'critical',
  cron_missed: 'critical',
  soft_limit: 'notice',
  approval: 'notice',
  breaker: 'warning',
  debt: 'warning',
  stuck: 'warning',
  dead_letter: 'warning',
  webhook_disabled: 'warning',
  gas: 'warning',
  reconciliation: 'warning',
  catalogue_stale: 'notice',
  tool_changed: 'warning',
  secret_returned: 'warning',
  absurd_usage: 'warning',
  card_charged: 'warning',
  database_size: 'warning',
  database_unavailable: 'critical',
  backend: 'warning',
  payee_missing: 'critical',
  log_forked: 'critical',
  account_behind: 'critical',
  database_behind: 'critical',
  log_behind: 'warning',
  witness: 'warning',
  archive: 'warning',
} as const satisfies { readonly [rule in OutageRule]: Severity } & Readonly<
  Record<string, Severity>
>;

export type AlertRule = keyof typeof SEVERITIES;

export const ALERT_RULES = Object.keys(SEVERITIES) as readonly AlertRule[];

/** How urgent an alert is. An outage that is over is a notice. @param kind the kind in the alert's detail */
export const severityOf = (rule: AlertRule, kind?: unknown): Severity => {
  if (kind === 'ended') return 'notice';
  // Other backends still settle.
  return rule === 'facilitator_away' && kind === 'others' ? 'warning' : SEVERITIES[rule];
};

/** An alert for operators or owners (entry `alert.raised`). */
export type AlertBody = {
  readonly rule: AlertRule;
  readonly detail: Readonly<Record<string, string | number>>;
};

const EVENTS = `must be a list of ${ALERT_RULES.join(', ')}, each once, or of "*"`;

const URL_HINT = 'must be an absolute https URL of at most 2048 characters';

/** Who a webhook writes for: programs (signed JSON), a Slack channel, or a mailbox. */
const WEBHOOK_FORMATS = ['countersign', 'slack', 'email'] as const;

const FORMAT = `must be one of ${WEBHOOK_FORMATS.join(', ')}`;
const MAIL = 'must be an e-mail address, or 1 to 10 of them in a list';
const TOKEN = 'must be 1 to 512 printable characters without spaces';

/** One address, with or without a name: `Alerts <a@example.com>`. No line end: a mail header would end there (CWE-93). */
const mailbox = z
  .string(MAIL)
  .check(z.regex(/^[^@,;\x00-\x1f\x7f]{1,128}@[^@,;\x00-\x1f\x7f]{1,128}$/, MAIL));

/** What readers of a webhook see. The schema checks the form of the URL; `readEgressUrl` decides which hosts are allowed. */
export const webhookFields = {
  url: z.string(URL_HINT).check(z.maxLength(2048, URL_HINT)),
  events: z.array(z.enum(['*', ...ALERT_RULES], EVENTS), EVENTS).check(
    z.minLength(1, EVENTS),
    z.refine((list) => new Set(list).size === list.length, EVENTS),
  ),
  description: z.exactOptional(reasonText),
  format: z.exactOptional(z.enum(WEBHOOK_FORMATS, FORMAT)),
  from: z.exactOptional(mailbox),
  to: z.exactOptional(z.array(mailbox, MAIL).check(z.minLength(1, MAIL), z.maxLength(10, MAIL))),
};

/** A webhook as its owner writes it. `token` authorizes requests to an e-mail provider; no answer shows it. */
export const webhookSchema = z.strictObject(
  {
    ...webhookFields,
    token: z.exactOptional(z.string(TOKEN).check(z.regex(/^[\x21-\x7e]{1,512}$/, TOKEN))),
  },
  'must be an object {url, events, description?, format?, from?, to?, token?}',
);

export type WebhookRequest = z.input<typeof webhookSchema>;
