import * as z from 'zod/mini';
import { entryHash } from '../audit/entry.ts';
import { ALERT_RULES, type AlertRule, severityOf } from '../protocol/alert.ts';
import type { Entry } from '../protocol/entry.ts';
import { factsIf } from '../protocol/log/facts.ts';
import { type AccountId, parseAccountId } from '../protocol/account-id.ts';
import type { Seconds } from '../core/clock.ts';
import { random16 } from '../core/hex.ts';
import { utf8 } from '../crypto/bytes.ts';
import { readWebhookName, subscribesTo, webhookName, type WebhookScope } from './document.ts';
import { listWebhooksOf } from './registry.ts';

/** The maximum length of a body, in bytes. */
export const MAX_BODY = 20_480;

/** An event as a receiver gets it. Every attempt sends the same body; timestamp and signature differ. */
export type WebhookEvent = {
  /** `webhook-id`: receivers use it to drop duplicates. */
  readonly id: string;
  readonly type: 'alert.raised' | 'webhook.test';
  readonly body: string;
  /** Only for an alert: its rule, and the position of its entry. */
  readonly rule?: AlertRule;
  readonly account?: AccountId;
  readonly seq?: number;
};

/** An event for one webhook, as the queue carries it. */
export type WebhookMessage = {
  readonly v: 1;
  readonly scope: WebhookScope;
  readonly webhook: string;
  readonly event: WebhookEvent;
};

/** The event of an alert's entry; undefined for every other entry. */
export const alertEvent = (entry: Entry): WebhookEvent | undefined => {
  const detail = factsIf(entry, 'alert.raised')?.outcome;
  const rule = ALERT_RULES.find((each) => each === entry.rule);
  if (detail === undefined || rule === undefined) return undefined;
  const { account, seq, at, call, tool } = entry;
  const hash = entryHash(entry);
  const severity = severityOf(rule, detail['kind']);
  const write = (more: object): string =>
    JSON.stringify({
      type: 'alert.raised',
      timestamp: iso(at),
      data: { account, seq, rule, severity, entry: hash, ...more },
    });
  const whole = write({
    ...(call === undefined ? {} : { call }),
    ...(tool === undefined ? {} : { tool }),
    detail,
  });
  // Details that do not fit are in the log, under the same seq.
  const body = utf8(whole).byteLength <= MAX_BODY ? whole : write({ truncated: true });
  return { id: `msg_${hash}`, type: 'alert.raised', body, rule, account, seq };
};

/** An event that tests whether a receiver can be reached. */
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
  rule: z.enum(ALERT_RULES),
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

/** Reads a queue message; undefined if it is malformed. */
export const readWebhookMessage = (body: unknown): WebhookMessage | undefined => {
  const parsed = messageSchema.safeParse(body);
  if (!parsed.success) return undefined;
  const { scope, webhook, event } = parsed.data;
  const named = readWebhookName(webhookName(scope as WebhookScope, webhook));
  return named === undefined ? undefined : { v: 1, scope: named.scope, webhook, event };
};

export type EnqueueDeps = { readonly db: D1Database; readonly queue: Pick<Queue, 'sendBatch'> };

/** Messages of one batch. Cloudflare Queues accepts 256 KB a batch, and a body of 20 KiB may double when it is quoted as JSON. */
const BATCH = 5;

/**
 * Sends an alert to the queue, once per subscribed webhook: of the account, of its ancestors, and of all accounts. Called again it sends
 * again; the consumer drops duplicates. @throws if database or queue do not answer.
 */
export const enqueueAlerts = async (
  { db, queue }: EnqueueDeps,
  account: AccountId,
  entry: Entry,
): Promise<void> => {
  const event = alertEvent(entry);
  if (event?.rule === undefined) return;
  const { rule } = event;
  const webhooks = await listWebhooksOf(db, [account, ...(await ancestorsOf(db, account)), '*']);
  const messages = webhooks
    .filter(({ state, document }) => state === 'active' && subscribesTo(document, rule))
    .map(({ scope, id }): WebhookMessage => ({ v: 1, scope, webhook: id, event }));
  for (let at = 0; at < messages.length; at += BATCH) {
    await queue.sendBatch(messages.slice(at, at + BATCH).map((body) => ({ body })));
  }
};

const ancestorsSchema = z.array(
  z.custom<AccountId>((value) => typeof value === 'string' && parseAccountId(value) !== undefined),
);

/** The account's ancestors, as the exported log has them. */
const ancestorsOf = async (db: D1Database, account: AccountId): Promise<readonly AccountId[]> => {
  const stored = await db
    .prepare('SELECT above FROM accounts WHERE account = ?1')
    .bind(account)
    .first<string | null>('above');
  const read = ancestorsSchema.safeParse(stored === null ? [] : JSON.parse(stored));
  return read.success ? read.data : [];
};
