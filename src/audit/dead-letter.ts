import type { Seconds } from '../core/clock.ts';
import { encodeBase64 } from '../crypto/bytes.ts';
import {
  type DeadLetter,
  type QueueMessage,
  recordDeadLetters,
} from '../settlement/dead-letter.ts';
import { readMessage } from './chunk.ts';

/** Body of a letter, at most: the largest chunk in base64, with room. */
const MAX_BODY = 200_000;
const PAUSE: Seconds = 60;

/**
 * Makes the record of a message of the audit queue, whatever it holds. An account whose chunk is refused sends it again until
 * somebody helps, each time longer: one letter for the place where its chain is stuck, not one for each sending.
 */
export const auditLetter = (
  message: Pick<QueueMessage, 'id' | 'body'>,
  queue: string,
  reason: string,
  now: Seconds,
): DeadLetter => {
  const read = readMessage(message.body);
  return {
    id: read === undefined ? message.id : `${queue}/${read.account}/${read.first}`,
    queue,
    account: read?.account ?? '',
    call: '',
    body: asText(message.body).slice(0, MAX_BODY),
    at: now,
    reason,
  };
};

/**
 * Consumes the audit dead-letter queue: every letter is recorded, then acknowledged. Nothing is lost by it: the account keeps
 * its entries until they are acknowledged, and sends them again (law 5).
 */
export const consumeAuditDeadLetters = async (
  batch: { readonly queue: string; readonly messages: readonly QueueMessage[] },
  db: D1Database,
  now: Seconds,
): Promise<void> => {
  const letters = batch.messages.map((message) =>
    auditLetter(message, batch.queue, 'retries exhausted', now),
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

/** JSON of a message; the chunk's bytes in base64, so that the letter can be driven again. */
const asText = (body: unknown): string => {
  try {
    const text = JSON.stringify(body, (_, value: unknown) => {
      if (value instanceof Uint8Array) return encodeBase64(value);
      return typeof value === 'bigint' ? value.toString() : value;
    }) as string | undefined;
    return text ?? 'nothing';
  } catch {
    return 'not JSON';
  }
};
