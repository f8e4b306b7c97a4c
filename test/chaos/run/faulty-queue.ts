import type { Random } from '../../falsify/random.ts';
import { draw } from './fault-source.ts';

/** Weights of the fates of a message. */
const SENT = { arrives: 86, late: 6, twice: 4, lost: 3, dead: 1 } as const;
/** The longest delay, seconds. */
const LATEST = 12;
/** One in this many acknowledged messages is delivered again. */
const UNHEARD = 25;

/** A queue that loses, repeats, delays and dead-letters messages. */
export const faultyQueue = (
  queue: Queue,
  dead: Queue,
  random: Random,
  isActive: () => boolean,
): Queue => {
  const sendOne: Queue['send'] = async (body, options = {}) => {
    const fate = isActive() ? draw(random, SENT) : 'arrives';
    switch (fate) {
      case 'lost':
        return answered();
      case 'dead':
        return dead.send(body, options);
      case 'late':
        return queue.send(body, { ...options, delaySeconds: random.integer(1, LATEST) });
      case 'twice':
        await queue.send(body, { ...options, delaySeconds: random.integer(0, LATEST) });
        return queue.send(body, options);
      case 'arrives':
        return queue.send(body, options);
    }
  };
  return {
    metrics: () => queue.metrics(),
    send: sendOne,
    async sendBatch(messages, options) {
      if (!isActive()) return queue.sendBatch(messages, options);
      for (const { body, ...rest } of messages) await sendOne(body, rest);
      return answered();
    },
  };
};

/** The result of a send, which the gateway does not read. */
const answered = (): never =>
  ({ metadata: { metrics: { backlogCount: 0, backlogBytes: 0 } } }) as never;

/** Shuffles the messages of a batch, and redelivers some that the consumer acknowledges. */
export const losingAcknowledgements = <T>(
  batch: MessageBatch<T>,
  random: Random,
): MessageBatch<T> => {
  const messages = batch.messages.map((message) => ({
    id: message.id,
    timestamp: message.timestamp,
    body: message.body,
    attempts: message.attempts,
    metadata: (message as { metadata?: unknown }).metadata,
    ack: () =>
      random.integer(1, UNHEARD) > 1
        ? message.ack()
        : message.retry({ delaySeconds: random.integer(0, LATEST) }),
    retry: (options?: QueueRetryOptions) => message.retry(options),
  }));
  const shuffled = messages
    .map((message) => ({ message, at: random.integer(0, 1_000_000) }))
    .toSorted((one, other) => one.at - other.at)
    .map(({ message }) => message);
  return {
    queue: batch.queue,
    metadata: (batch as { metadata?: unknown }).metadata,
    messages: shuffled,
    ackAll: () => batch.ackAll(),
    retryAll: (options?: QueueRetryOptions) => batch.retryAll(options),
  } as never;
};
