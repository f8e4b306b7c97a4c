import { encodeBase64 } from '../crypto/bytes.ts';
import type { MakeDeadLetter } from '../settlement/dead-letter.ts';
import { readMessage } from './chunk.ts';

/** Characters of a body, at most: the largest chunk in base64, with room. */
const MAX_BODY = 200_000;

/**
 * Makes the dead letter of an audit message. An account whose chunk is rejected sends it again, each time later, until an operator helps:
 * one dead letter for the place where its chain is stuck, not one per message.
 */
export const auditDeadLetter: MakeDeadLetter = (message, queue, reason, now) => {
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

/** JSON of a message, the chunk's bytes in base64, so that the dead letter can be redriven. */
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
