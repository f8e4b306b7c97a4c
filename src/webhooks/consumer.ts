import type { Seconds } from '../core/clock.ts';
import type { AccountId } from '../protocol/account-id.ts';
import type { AlertBody } from '../protocol/alert.ts';
import {
  type MakeDeadLetter,
  type QueueBatch,
  type QueueMessage,
  recordDeadLetters,
} from '../settlement/dead-letter.ts';
import { messageUpdates, outcomeOf, takeAttempt, webhookUpdates } from './attempt.ts';
import { deliveryInserts, deliveryOfAttempt } from './deliveries.ts';
import { subscribesTo } from './document.ts';
import { readWebhookMessage, type WebhookMessage } from './message.ts';
import { findWebhook, type Webhook } from './registry.ts';
import { send, type SendDeps } from './send.ts';

/** The longest delay that Cloudflare Queues accepts. */
const LONGEST_DELAY: Seconds = 43_200;
const AFTER_TROUBLE: Seconds = 60;

export type WebhookDeps = SendDeps & {
  /** The gateway's own account: it raises the alerts of webhooks with scope `*`. */
  readonly self: AccountId;
  /** Makes an account raise an alert; false if the account does not answer. */
  readonly raise: (account: AccountId, alert: AlertBody) => Promise<boolean>;
};

/** Whether a queue message is finished, or when it must be delivered again. */
type Next = { readonly kind: 'done' } | { readonly kind: 'retry'; readonly at: Seconds };

const DONE: Next = { kind: 'done' };

/** Consumes a batch of the webhook queue. Messages are independent; a message that meets an error is retried. */
export const consumeWebhooks = async (
  batch: QueueBatch,
  deps: WebhookDeps,
  now: Seconds,
): Promise<void> => {
  await Promise.all(batch.messages.map((message) => consume(batch.queue, message, deps, now)));
};

const consume = async (
  queue: string,
  message: QueueMessage,
  deps: WebhookDeps,
  now: Seconds,
): Promise<void> => {
  try {
    const read = readWebhookMessage(message.body);
    if (read === undefined) {
      const deadLetter = webhookDeadLetter(message, queue, 'malformed message', now);
      await recordDeadLetters(deps.db, [deadLetter]);
      message.ack();
      return;
    }
    const next = await deliver(read, deps, now);
    if (next.kind === 'done') message.ack();
    else message.retry({ delaySeconds: Math.min(Math.max(next.at - now, 1), LONGEST_DELAY) });
  } catch (cause) {
    console.error({ event: 'webhook_deferred', message: message.id, cause: String(cause) });
    message.retry({ delaySeconds: AFTER_TROUBLE });
  }
};

const deliver = async (message: WebhookMessage, deps: WebhookDeps, now: Seconds): Promise<Next> => {
  const { event, scope } = message;
  const webhook = await findWebhook(deps.db, scope, message.webhook);
  // The webhook was removed, or written anew for other alerts, while the message was in the queue.
  if (webhook === undefined) return DONE;
  if (webhook.state === 'disabled') return onceAlerted(webhook, deps, now);
  if (event.rule === undefined || !subscribesTo(webhook.document, event.rule)) return DONE;

  const lease = await takeAttempt(deps.db, message, now);
  if (lease.kind === 'ended') return DONE;
  if (lease.kind === 'wait') return { kind: 'retry', at: lease.until };

  const sent = await send(deps, webhook, event, now);
  const outcome = outcomeOf(sent, lease.attempt, webhook.document.format);
  const retryAt = outcome.outcome === 'retry' ? now + outcome.pause : undefined;
  await deps.db.batch([
    ...messageUpdates(deps.db, message, outcome, now),
    ...webhookUpdates(deps.db, webhook, outcome, now),
    ...deliveryInserts(deps.db, scope, message.webhook, {
      ...deliveryOfAttempt(event, lease.attempt, sent, now),
      outcome: outcome.outcome === 'gone' ? 'failed' : outcome.outcome,
      ...(retryAt === undefined ? {} : { retryAt }),
    }),
  ]);
  if (retryAt !== undefined) return { kind: 'retry', at: retryAt };
  if (outcome.outcome === 'delivered') return DONE;
  const after = await findWebhook(deps.db, scope, message.webhook);
  return after === undefined ? DONE : onceAlerted(after, deps, now);
};

/** A message of a disabled webhook is finished once the alert about the webhook was raised. */
const onceAlerted = async (webhook: Webhook, deps: WebhookDeps, now: Seconds): Promise<Next> => {
  const retryAt = await raiseDisabled(webhook, deps, now);
  return retryAt === undefined ? DONE : { kind: 'retry', at: retryAt };
};

/** The time that one consumer may take to raise the alert. */
const ALERT_LEASE: Seconds = 30;

/**
 * Raises the alert that a webhook is disabled, unless it was raised. D1 keeps that the alert is due, so a crash after disabling loses
 * nothing.
 *
 * @returns when to try again, until the alert is known to have been raised.
 */
const raiseDisabled = async (
  { scope, id, seq, reason, failures, alertAt }: Webhook,
  { db, self, raise }: WebhookDeps,
  now: Seconds,
): Promise<Seconds | undefined> => {
  if (alertAt === undefined) return undefined;
  // Race: several messages of one webhook end at the same time. One of them raises the alert, the others wait for it.
  const taken = await db
    .prepare(
      'UPDATE webhooks SET tell_at = ?4 WHERE scope = ?1 AND id = ?2 AND seq = ?3 AND tell_at <= ?5 RETURNING 1 AS taken',
    )
    .bind(scope, id, seq, now + ALERT_LEASE, now)
    .first();
  if (taken === null) return now + ALERT_LEASE;
  const raised = await raise(scope === '*' ? self : scope, {
    rule: 'webhook_disabled',
    detail: { scope, webhook: id, reason: reason ?? 'failing', failures },
  });
  if (!raised) return now + ALERT_LEASE;
  await db
    .prepare('UPDATE webhooks SET tell_at = NULL WHERE scope = ?1 AND id = ?2 AND seq = ?3')
    .bind(scope, id, seq)
    .run();
  return undefined;
};

/** The longest message that is kept whole, so that it can be redriven: an event as JSON inside JSON, with room. */
const MAX_TEXT = 65_536;

/** Makes the dead letter of a webhook message: one per webhook and event. */
export const webhookDeadLetter: MakeDeadLetter = (message, queue, reason, now) => {
  const read = readWebhookMessage(message.body);
  return {
    id: read === undefined ? message.id : `${queue}/${read.scope}/${read.webhook}/${read.event.id}`,
    queue,
    account: read?.event.account ?? '',
    call: '',
    body: textOf(message.body).slice(0, MAX_TEXT),
    at: now,
    reason,
  };
};

const textOf = (body: unknown): string => {
  try {
    return (JSON.stringify(body) as string | undefined) ?? 'nothing';
  } catch {
    return 'not JSON';
  }
};
