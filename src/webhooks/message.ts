import * as z from 'zod/mini';
import { entryHash } from '../audit/entry.ts';
import { type Entry } from '../protocol/entry.ts';
import type { AccountId } from '../protocol/account-id.ts';
import { parseAccountId } from '../protocol/account-id.ts';
import type { Seconds } from '../core/clock.ts';
import { random16 } from '../core/random.ts';
import { utf8 } from '../crypto/bytes.ts';
import { type AlertRule, alertRuleOf, RULES } from './alert.ts';
import { readWebhookName, webhookName, type WebhookScope } from './document.ts';

/** The longest body that is sent. */
export const MAX_BODY = 20_480;

/** What a receiver gets. Its body never changes, however often it is sent; timestamp and signature are of each attempt. */
export type WebhookEvent = {
  /** `webhook-id`: by it a receiver knows what it has had. */
  readonly id: string;
  readonly type: 'alert.raised' | 'webhook.test';
  readonly body: string;
  /** Of an alert: its rule, and where its entry stands. */
  readonly rule?: AlertRule;
  readonly account?: AccountId;
  readonly seq?: number;
};

/** An event on its way to one endpoint, as the queue carries it. */
export type WebhookMessage = {
  readonly v: 1;
  readonly scope: WebhookScope;
  readonly webhook: string;
  readonly event: WebhookEvent;
};

/** The event of an alert's entry; undefined where the entry is none. */
export const alertEvent = (entry: Entry): WebhookEvent | undefined => {
  const rule = alertRuleOf(entry);
  if (rule === undefined) return undefined;
  const { account, seq, at, outcome, call, tool } = entry;
  const hash = entryHash(entry);
  const write = (more: object): string =>
    JSON.stringify({
      type: 'alert.raised',
      timestamp: iso(at),
      data: { account, seq, rule, entry: hash, ...more },
    });
  const whole = write({
    ...(call === undefined ? {} : { call }),
    ...(tool === undefined ? {} : { tool }),
    detail: outcome ?? {},
  });
  // What does not fit can be read in the log, under the same seq.
  const body = utf8(whole).byteLength <= MAX_BODY ? whole : write({ truncated: true });
  return { id: `msg_${hash}`, type: 'alert.raised', body, rule, account, seq };
};

/** What shows a receiver that it is reached. */
export const testEvent = (scope: WebhookScope, webhook: string, now: Seconds): WebhookEvent => ({
  id: `msg_${random16()}`,
  type: 'webhook.test',
  body: JSON.stringify({
    type: 'webhook.test',
    timestamp: iso(now),
    data: { scope, webhook },
  }),
});

const iso = (at: Seconds): string => new Date(at * 1000).toISOString();

const eventSchema = z.strictObject({
  id: z.string().check(z.regex(/^msg_0x[0-9a-f]{64}$/)),
  type: z.literal('alert.raised'),
  body: z.string().check(z.maxLength(MAX_BODY)),
  rule: z.enum(RULES),
  account: z.custom<AccountId>(
    (value) => typeof value === 'string' && parseAccountId(value) !== undefined,
  ),
  seq: z.int().check(z.positive()),
});

const messageSchema = z.strictObject({
  v: z.literal(1),
  scope: z.string(),
  webhook: z.string(),
  event: eventSchema,
});

/** Reads what the queue hands over; undefined for what this release does not know. */
export const readWebhookMessage = (body: unknown): WebhookMessage | undefined => {
  const parsed = messageSchema.safeParse(body);
  if (!parsed.success) return undefined;
  const { scope, webhook, event } = parsed.data;
  const named = readWebhookName(webhookName(scope as WebhookScope, webhook));
  return named === undefined ? undefined : { v: 1, scope: named.scope, webhook, event };
};
