import type { Seconds } from '../core/clock.ts';
import {
  type DeadLetter,
  type QueueMessage,
  recordDeadLetters,
} from '../settlement/dead-letter.ts';
import { readWebhookMessage } from './message.ts';

/** The longest message that is kept whole, so that it can be driven again: an event in JSON in JSON, with room. */
const MAX_TEXT = 65_536;
const PAUSE: Seconds = 60;

/** Makes the record of a message of the webhook queue, whatever it holds: one for each endpoint and event. */
export const webhookLetter = (
  message: Pick<QueueMessage, 'id' | 'body'>,
  queue: string,
  reason: string,
  now: Seconds,
): DeadLetter => {
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

/** Consumes the webhook dead-letter queue: every letter is recorded, then acknowledged. The alert itself stays in the log. */
export const consumeWebhookDeadLetters = async (
  batch: { readonly queue: string; readonly messages: readonly QueueMessage[] },
  db: D1Database,
  now: Seconds,
): Promise<void> => {
  const letters = batch.messages.map((message) =>
    webhookLetter(message, batch.queue, 'retries exhausted', now),
  );
  try {
    await recordDeadLetters(db, letters);
  } catch (cause) {
    console.error({ event: 'dead_letters_unrecorded', queue: batch.queue, cause: String(cause) });
    for (const message of batch.messages) message.retry({ delaySeconds: PAUSE });
    return;
  }
  for (const message of batch.messages) message.ack();
};

const textOf = (body: unknown): string => {
  try {
    return (JSON.stringify(body) as string | undefined) ?? 'nothing';
  } catch {
    return 'not JSON';
  }
};
