import type { Seconds } from '../core/clock.ts';

/** A message that could not be worked on, as `dead_letters` in D1 keeps it. */
export type DeadLetter = {
  /** Id of the queue message: the same one delivered again is recorded once. */
  readonly id: string;
  readonly queue: string;
  readonly account: string;
  readonly call: string;
  /** JSON, without any payment signature. */
  readonly body: string;
  readonly at: Seconds;
  readonly reason: string;
};

/** What a queue hands over, as far as it is used. */
export type QueueMessage = {
  readonly id: string;
  readonly body: unknown;
  readonly attempts: number;
  ack(): void;
  retry(options?: { delaySeconds?: number }): void;
};

const MAX_BODY = 16_384;
const MAX_NAME = 128;

/** Makes the record of a message, whatever it holds. */
export const deadLetter = (
  message: Pick<QueueMessage, 'id' | 'body'>,
  queue: string,
  reason: string,
  now: Seconds,
): DeadLetter => ({
  id: message.id,
  queue,
  account: textOf(message.body, 'account'),
  call: textOf(message.body, 'call'),
  body: withoutSignature(message.body).slice(0, MAX_BODY),
  at: now,
  reason,
});

/** Records letters in D1, each once; one that was sent again and comes back waits anew. @throws when the database does not take them. */
export const recordDeadLetters = async (
  database: D1Database,
  letters: readonly DeadLetter[],
): Promise<void> => {
  if (letters.length === 0) return;
  const insert = database.prepare(
    `INSERT INTO dead_letters (id, queue, account, call, body, at, reason) VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET body = excluded.body, at = excluded.at, reason = excluded.reason, redriven_at = NULL
     WHERE redriven_at IS NOT NULL`,
  );
  await database.batch(
    letters.map(({ id, queue, account, call, body, at, reason }) =>
      insert.bind(id, queue, account, call, body, at, reason),
    ),
  );
};

/**
 * Consumes the settlement dead-letter queue: every letter is recorded, then acknowledged. Nothing is lost by it: the account
 * keeps the payment open, and its alarm sends it again until the chain has decided (law 5).
 */
export const consumeDeadLetters = async (
  messages: readonly QueueMessage[],
  database: D1Database,
  queue: string,
  now: Seconds,
): Promise<void> => {
  const letters = messages.map((message) => deadLetter(message, queue, 'retries exhausted', now));
  try {
    await recordDeadLetters(database, letters);
  } catch {
    for (const message of messages) message.retry({ delaySeconds: 60 });
    return;
  }
  for (const message of messages) message.ack();
};

const textOf = (body: unknown, field: string): string => {
  const value =
    typeof body === 'object' && body !== null
      ? (body as Record<string, unknown>)[field]
      : undefined;
  return typeof value === 'string' ? value.slice(0, MAX_NAME) : '';
};

/** A table of failures is read by people and exported: the signature stays in the account alone (law 9). */
const withoutSignature = (body: unknown): string => {
  try {
    const text = JSON.stringify(body, (key, value: unknown) =>
      key === 'signature' ? undefined : value,
    ) as string | undefined;
    return text ?? '';
  } catch {
    return 'not JSON';
  }
};
