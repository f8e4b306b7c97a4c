import type { Seconds } from '../core/clock.ts';
import type { WebhookDocument } from './document.ts';
import type { WebhookMessage } from './message.ts';
import type { Webhook } from './registry.ts';
import type { Sent } from './send.ts';

/** Seconds between attempts. A message fails permanently when the attempt after the last pause fails. */
export const PAUSES: readonly Seconds[] = [10, 60, 300, 900, 3_600, 10_800, 21_600];

/** How many messages in a row may fail permanently before the webhook is disabled. */
export const MAX_FAILURES = 5;

/** Longer than an attempt can take: after this time, the consumer that took the attempt has ended. */
const LEASE: Seconds = 30;
/** How long a message is remembered after it ended, or after it was due and never taken. */
const REMEMBERED: Seconds = 86_400;

/** Whether this consumer may make the next attempt to deliver a message. */
export type AttemptLease =
  | { readonly kind: 'taken'; readonly attempt: number }
  /** The message is not due, or another consumer is sending it. */
  | { readonly kind: 'wait'; readonly until: Seconds }
  /** The message was delivered, or has failed for good. */
  | { readonly kind: 'ended' };

/**
 * Takes the next attempt of a message.
 *
 * Race: the queue delivers a message twice. One statement takes the attempt, so only one delivery sends. D1 counts the attempts, because
 * the queue also counts deliveries that sent nothing.
 */
export const takeAttempt = async (
  db: D1Database,
  { scope, webhook, event }: WebhookMessage,
  now: Seconds,
): Promise<AttemptLease> => {
  const taken = await db
    .prepare(
      `INSERT INTO webhook_messages (scope, webhook, message, attempts, ended, due) VALUES (?1, ?2, ?3, 1, 0, ?5)
       ON CONFLICT (scope, webhook, message) DO UPDATE SET attempts = attempts + 1, due = excluded.due
       WHERE ended = 0 AND due <= ?4
       RETURNING attempts`,
    )
    .bind(scope, webhook, event.id, now, now + LEASE)
    .first<number>('attempts');
  if (taken !== null) return { kind: 'taken', attempt: taken };
  const row = await db
    .prepare(
      'SELECT ended, due FROM webhook_messages WHERE scope = ?1 AND webhook = ?2 AND message = ?3',
    )
    .bind(scope, webhook, event.id)
    .first<{ ended: number; due: number }>();
  if (row === null) return { kind: 'wait', until: now + 1 };
  return row.ended === 1 ? { kind: 'ended' } : { kind: 'wait', until: row.due };
};

/** The effect of an attempt on the message and its webhook. */
export type AttemptOutcome =
  | { readonly outcome: 'delivered' }
  | { readonly outcome: 'retry'; readonly pause: Seconds }
  | { readonly outcome: 'failed' }
  | { readonly outcome: 'gone' };

/**
 * Decides what an answer means. `Retry-After` of a 429 only lengthens a pause: a receiver must not shorten it.
 *
 * Slack answers 404 for a webhook that was removed (`no_service`, `no_team`) or whose channel was deleted (`channel_not_found`).
 */
export const outcomeOf = (
  { status, fault, retryAfter = 0 }: Sent,
  attempt: number,
  format: WebhookDocument['format'],
): AttemptOutcome => {
  if (fault === undefined && status !== undefined && status >= 200 && status < 300) {
    return { outcome: 'delivered' };
  }
  // Standard Webhooks: with 410 the receiver unsubscribes.
  if (status === 410 || (format === 'slack' && status === 404)) return { outcome: 'gone' };
  const pause = PAUSES[attempt - 1];
  // A retry would meet the same forbidden address, or the same unreadable secret.
  if (pause === undefined || fault === 'address' || fault === 'secret')
    return { outcome: 'failed' };
  // Slack and e-mail providers reject a body or a token for good with these.
  if (format !== undefined && status !== undefined && REJECTED.has(status))
    return { outcome: 'failed' };
  return { outcome: 'retry', pause: Math.max(pause, Math.min(retryAfter, LONGEST_PAUSE)) };
};

const REJECTED = new Set([400, 401, 403, 422]);
const LONGEST_PAUSE: Seconds = 21_600;

/** Statements that end a message or set when it is due again, and that forget messages that ended long ago. */
export const messageUpdates = (
  db: D1Database,
  { scope, webhook, event }: WebhookMessage,
  outcome: AttemptOutcome,
  now: Seconds,
): D1PreparedStatement[] => [
  db
    .prepare(
      'UPDATE webhook_messages SET ended = ?4, due = ?5 WHERE scope = ?1 AND webhook = ?2 AND message = ?3',
    )
    .bind(
      scope,
      webhook,
      event.id,
      outcome.outcome === 'retry' ? 0 : 1,
      outcome.outcome === 'retry' ? now + outcome.pause : now,
    ),
  db
    .prepare('DELETE FROM webhook_messages WHERE scope = ?1 AND webhook = ?2 AND due < ?3')
    .bind(scope, webhook, now - REMEMBERED),
];

/**
 * Statements that count the outcome for the webhook.
 *
 * Race: the webhook may be rewritten during the attempt. The update requires the entry (`holder`, `seq`) that was read before sending, so
 * the answer of an old address does not count against a new one.
 */
export const webhookUpdates = (
  db: D1Database,
  { scope, id, holder, seq }: Webhook,
  { outcome }: AttemptOutcome,
  now: Seconds,
): D1PreparedStatement[] => {
  const change = CHANGES[outcome];
  if (change === undefined) return [];
  const same = [scope, id, holder, seq];
  const update = `UPDATE webhooks SET ${change}
    WHERE scope = ?1 AND id = ?2 AND holder = ?3 AND seq = ?4 AND state = 'active'`;
  return outcome === 'delivered'
    ? [db.prepare(`${update} AND failures > 0`).bind(...same)]
    : [db.prepare(update).bind(...same, now)];
};

const last = (then: string, otherwise: string): string =>
  `CASE WHEN failures + 1 >= ${MAX_FAILURES} THEN ${then} ELSE ${otherwise} END`;

const CHANGES: { readonly [outcome in AttemptOutcome['outcome']]?: string } = {
  delivered: 'failures = 0',
  gone: "state = 'disabled', reason = 'gone', disabled_at = ?5, tell_at = ?5",
  failed: `failures = failures + 1, state = ${last("'disabled'", 'state')}, reason = ${last("'failing'", 'NULL')},
    disabled_at = ${last('?5', 'NULL')}, tell_at = ${last('?5', 'NULL')}`,
};
