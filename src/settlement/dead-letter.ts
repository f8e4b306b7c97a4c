import type { Seconds } from '../core/clock.ts';

/** A message that no consumer could process, as the D1 table `dead_letters` keeps it. */
export type DeadLetter = {
  /** Id of the queue message, so that a message that is delivered twice is recorded once. */
  readonly id: string;
  readonly queue: string;
  readonly account: string;
  readonly call: string;
  /** JSON, without any payment signature. */
  readonly body: string;
  readonly at: Seconds;
  readonly reason: string;
};

/** The part of a queue message that consumers use. */
export type QueueMessage = {
  readonly id: string;
  readonly body: unknown;
  readonly attempts: number;
  ack(): void;
  retry(options?: { delaySeconds?: number }): void;
};

/** The part of a queue batch that consumers use. */
export type QueueBatch = { readonly queue: string; readonly messages: readonly QueueMessage[] };

/** Makes the dead letter of a message with any body. */
export type MakeDeadLetter = (
  message: Pick<QueueMessage, 'id' | 'body'>,
  queue: string,
  reason: string,
  now: Seconds,
) => DeadLetter;

const MAX_BODY = 16_384;
const MAX_NAME = 128;
/** The pause before the consumer retries a dead letter that D1 did not accept. */
const PAUSE: Seconds = 60;

/** Makes the dead letter of a settlement message. */
export const settlementDeadLetter: MakeDeadLetter = (message, queue, reason, now) => ({
  id: message.id,
  queue,
  account: textOf(message.body, 'account'),
  call: textOf(message.body, 'call'),
  body: withoutSignature(message.body).slice(0, MAX_BODY),
  at: now,
  reason,
});

/**
 * Divides a message of several payments into one message for each, with ids that a second delivery repeats; returns any other message
 * unchanged.
 */
export const partsOf = ({
  id,
  body,
}: Pick<QueueMessage, 'id' | 'body'>): readonly Pick<QueueMessage, 'id' | 'body'>[] =>
  Array.isArray(body) && body.length > 0
    ? body.map((one: unknown, at) => ({ id: at === 0 ? id : `${id}-${at}`, body: one }))
    : [{ id, body }];

/** Builds the dead letters of a batch that has used up its deliveries. */
export const deadLettersOf = (
  { queue, messages }: QueueBatch,
  make: MakeDeadLetter,
  now: Seconds,
): readonly DeadLetter[] =>
  messages
    .flatMap((message) => partsOf(message))
    .map((part) => make(part, queue, 'retries exhausted', now));

/** Records dead letters in D1, each once. A redriven dead letter that returns is open again. @throws if D1 does not accept them. */
export const recordDeadLetters = async (
  database: D1Database,
  deadLetters: readonly DeadLetter[],
): Promise<void> => {
  if (deadLetters.length === 0) return;
  const insert = database.prepare(
    `INSERT INTO dead_letters (id, queue, account, call, body, at, reason) VALUES (?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET body = excluded.body, at = excluded.at, reason = excluded.reason, redriven_at = NULL
     WHERE redriven_at IS NOT NULL`,
  );
  await database.batch(
    deadLetters.map(({ id, queue, account, call, body, at, reason }) =>
      insert.bind(id, queue, account, call, body, at, reason),
    ),
  );
};

/** Returns the dead letters that D1 does not have, and those that were redriven and returned. @throws if D1 does not answer. */
export const newDeadLetters = async (
  database: D1Database,
  deadLetters: readonly DeadLetter[],
): Promise<readonly DeadLetter[]> => {
  const { results } = await database
    .prepare(
      'SELECT id FROM dead_letters WHERE id IN (SELECT value FROM json_each(?1)) AND redriven_at IS NULL',
    )
    .bind(JSON.stringify(deadLetters.map(({ id }) => id)))
    .all<{ id: string }>();
  const known = new Set(results.map(({ id }) => id));
  return deadLetters.filter(({ id }) => !known.has(id));
};

/**
 * Consumes a dead-letter queue: records every message, then acknowledges it. Nothing is lost by the acknowledgement: the account keeps the
 * payment or the chunk open, and its alarm sends it again (law 5).
 */
export const consumeDeadLetters = async (
  batch: QueueBatch,
  database: D1Database,
  make: MakeDeadLetter,
  now: Seconds,
): Promise<void> => {
  try {
    await recordDeadLetters(database, deadLettersOf(batch, make, now));
  } catch (cause) {
    console.error({ event: 'dead_letters_unrecorded', queue: batch.queue, cause: String(cause) });
    for (const message of batch.messages) message.retry({ delaySeconds: PAUSE });
    return;
  }
  for (const message of batch.messages) message.ack();
};

const textOf = (body: unknown, field: string): string => {
  const value =
    typeof body === 'object' && body !== null
      ? (body as Record<string, unknown>)[field]
      : undefined;
  return typeof value === 'string' ? value.slice(0, MAX_NAME) : '';
};

/** Operators read and export dead letters, so the payment signature stays out of them (law 9). */
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
