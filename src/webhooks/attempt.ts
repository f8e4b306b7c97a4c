import type { Seconds } from '../core/clock.ts';
import type { WebhookMessage } from './message.ts';
import type { Webhook } from './registry.ts';
import type { Sent } from './send.ts';

/** Seconds to wait after each attempt that failed; after the one that follows the last pause a message has failed for good. */
export const PAUSES: readonly Seconds[] = [10, 60, 300, 900, 3_600, 10_800, 21_600];

/** A message that failed for good, and as many before it, switch an endpoint off. */
export const MAX_FAILURES = 5;

/** Longer than sending can take: by then whoever had taken the message is gone. */
const TAKEN: Seconds = 30;
/** How long an ended message is remembered, and one that nobody has asked for since it was due. */
const REMEMBERED: Seconds = 86_400;

/** Whether a message is this consumer's to send now. */
export type Claim =
  | { readonly kind: 'taken'; readonly attempt: number }
  /** Not yet, or another one is sending it. */
  | { readonly kind: 'wait'; readonly until: Seconds }
  /** It has arrived, or failed for good. */
  | { readonly kind: 'ended' };

/**
 * Takes a message for one attempt: in one statement, so that of two deliveries of the queue only one sends. Counted here and not by
 * the queue, whose count also grows when nothing was sent.
 */
export const claim = async (
  db: D1Database,
  { scope, webhook, event }: WebhookMessage,
  now: Seconds,
): Promise<Claim> => {
  const taken = await db
    .prepare(
      `INSERT INTO webhook_messages (scope, webhook, message, attempts, ended, due) VALUES (?1, ?2, ?3, 1, 0, ?5)
       ON CONFLICT (scope, webhook, message) DO UPDATE SET attempts = attempts + 1, due = excluded.due
       WHERE ended = 0 AND due <= ?4
       RETURNING attempts`,
    )
    .bind(scope, webhook, event.id, now, now + TAKEN)
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

/** What an attempt means for the message and its endpoint. */
export type Judgement =
  | { readonly outcome: 'delivered' }
  | { readonly outcome: 'retry'; readonly pause: Seconds }
  | { readonly outcome: 'failed' }
  | { readonly outcome: 'gone' };

export const judge = ({ status, fault }: Sent, attempt: number): Judgement => {
  if (fault === undefined && status !== undefined && status >= 200 && status < 300) {
    return { outcome: 'delivered' };
  }
  // Standard Webhooks: the receiver wants no more.
  if (status === 410) return { outcome: 'gone' };
  const pause = PAUSES[attempt - 1];
  // Another try cannot make an address one that may be asked.
  if (pause === undefined || fault === 'address') return { outcome: 'failed' };
  return { outcome: 'retry', pause };
};

/** Statements that end a message, or say when it is due again; and forget those that ended long ago. */
export const concluding = (
  db: D1Database,
  { scope, webhook, event }: WebhookMessage,
  judgement: Judgement,
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
      judgement.outcome === 'retry' ? 0 : 1,
      judgement.outcome === 'retry' ? now + judgement.pause : now,
    ),
  db
    .prepare('DELETE FROM webhook_messages WHERE scope = ?1 AND webhook = ?2 AND due < ?3')
    .bind(scope, webhook, now - REMEMBERED),
];

/**
 * What the endpoint takes from it. Bound to what was read before sending: what an address answered says nothing of the one that
 * was written meanwhile.
 */
export const counting = (
  db: D1Database,
  { scope, id, holder, seq }: Webhook,
  { outcome }: Judgement,
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

const CHANGES: { readonly [outcome in Judgement['outcome']]?: string } = {
  delivered: 'failures = 0',
  gone: "state = 'disabled', reason = 'gone', disabled_at = ?5, tell_at = ?5",
  failed: `failures = failures + 1, state = ${last("'disabled'", 'state')}, reason = ${last("'failing'", 'NULL')},
    disabled_at = ${last('?5', 'NULL')}, tell_at = ${last('?5', 'NULL')}`,
};
