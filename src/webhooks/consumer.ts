import type { AlertBody } from '../protocol/account/alert.ts';
import type { AccountId } from '../protocol/account-id.ts';
import type { Seconds } from '../core/clock.ts';
import { type QueueMessage, recordDeadLetters } from '../settlement/dead-letter.ts';
import { claim, concluding, counting, judge } from './attempt.ts';
import { webhookLetter } from './dead-letter.ts';
import { attemptOf, logging } from './deliveries.ts';
import { hears } from './document.ts';
import { readWebhookMessage, type WebhookMessage } from './message.ts';
import { findWebhook, type Webhook } from './registry.ts';
import { send, type SendDeps } from './send.ts';
import { tell } from './tell.ts';

/** A queue delays no longer than this (platform facts 2). */
const LONGEST_DELAY: Seconds = 43_200;
const AFTER_TROUBLE: Seconds = 60;

export type WebhookDeps = SendDeps & {
  readonly db: D1Database;
  /** The gateway's own account: it hears what concerns endpoints of everything. */
  readonly self: AccountId;
  /** Makes an account raise an alert; false where it does not answer. */
  readonly raise: (account: AccountId, alert: AlertBody) => Promise<boolean>;
};

/** What becomes of a message of the queue: nothing more, or it comes again. */
type Next = { readonly kind: 'done' } | { readonly kind: 'again'; readonly at: Seconds };

const DONE: Next = { kind: 'done' };

/** Consumes a batch of the webhook queue. Each message is on its own; whatever fails on the way comes again. */
export const consumeWebhooks = async (
  batch: { readonly queue: string; readonly messages: readonly QueueMessage[] },
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
      await recordDeadLetters(deps.db, [webhookLetter(message, queue, 'malformed message', now)]);
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
  const { event } = message;
  const webhook = await findWebhook(deps.db, message.scope, message.webhook);
  // Removed, or written anew for other alerts, while this was under way.
  if (webhook === undefined) return DONE;
  if (webhook.state === 'disabled') return settled(webhook, deps, now);
  if (event.rule === undefined || !hears(webhook.document, event.rule)) return DONE;

  const claimed = await claim(deps.db, message, now);
  if (claimed.kind === 'ended') return DONE;
  if (claimed.kind === 'wait') return { kind: 'again', at: claimed.until };

  const sent = await send(deps, webhook.document.url, event, now);
  const judgement = judge(sent, claimed.attempt);
  const retryAt = judgement.outcome === 'retry' ? now + judgement.pause : undefined;
  await deps.db.batch([
    ...concluding(deps.db, message, judgement, now),
    ...counting(deps.db, webhook, judgement, now),
    ...logging(deps.db, message.scope, message.webhook, {
      ...attemptOf(event, claimed.attempt, sent, now),
      outcome: judgement.outcome === 'gone' ? 'failed' : judgement.outcome,
      ...(retryAt === undefined ? {} : { retryAt }),
    }),
  ]);
  if (retryAt !== undefined) return { kind: 'again', at: retryAt };
  if (judgement.outcome === 'delivered') return DONE;
  const after = await findWebhook(deps.db, message.scope, message.webhook);
  return after === undefined ? DONE : settled(after, deps, now);
};

/** A message is done with when whoever must know that its endpoint is disabled has been told. */
const settled = async (webhook: Webhook, deps: WebhookDeps, now: Seconds): Promise<Next> => {
  const until = await tell(webhook, deps, now);
  return until === undefined ? DONE : { kind: 'again', at: until };
};
