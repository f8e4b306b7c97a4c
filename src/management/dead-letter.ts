import {
  findDeadLetter,
  type Letter,
  type LetterItem,
  listDeadLetters,
  markRedriven,
} from './dead-letter-query.ts';
import { readMessage } from '../audit/chunk.ts';
import { gatewayAccount } from '../config.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { err, type Result } from '../core/result.ts';
import { parseStrictJson } from '../protocol/strict-json.ts';
import {
  decodeBase64,
  decodeBase64Url,
  decodeUtf8,
  encodeBase64Url,
  utf8,
} from '../crypto/bytes.ts';
import { readWebhookMessage } from '../webhooks/message.ts';
import type { AdminRequest, Handler } from './handler.ts';
import type { AnswerOf } from './types.ts';
import { type Done, give } from './command.ts';
import { present, queryReason, refuse, reply, replyPage } from './reply.ts';

/** Messages that no consumer could deal with. Their ids hold slashes, so they stand in paths as base64url. */
export const list: Handler<'deadletters.list'> = async ({ context, query, request }) => {
  const found = await listDeadLetters(context.db, query);
  if (!found.ok) return refuse(queryReason(found.error));
  return replyPage(request, {
    items: found.value.items.map(letterBody),
    next: found.value.next,
  });
};

/** A letter in its wire form. */
export const letterBody = ({
  id,
  redrivenAt,
  ...letter
}: LetterItem): AnswerOf<'deadletters.list'>['items'][number] => ({
  ...letter,
  id: encodeBase64Url(utf8(id)),
  ...present({ redriven_at: redrivenAt }),
});

const NONE = { reason: 'unknown_document', what: 'letter of this id' } as const;

/** Sends a letter's message again. A consumer that has dealt with it before does nothing. */
export const redrive: Handler<'deadletters.redrive'> = async (asked) => {
  const { context, params, now } = asked;
  const bytes = decodeBase64Url(params.letter);
  const id = bytes === undefined ? undefined : decodeUtf8(bytes);
  if (id === undefined) return refuse(NONE);
  const found = await findDeadLetter(context.db, id);
  if (!found.ok) return refuse(queryReason(found.error));
  if (found.value === undefined) return refuse(NONE);
  const sent = await sendAgain(asked, found.value);
  if (!sent.ok) return sent;
  const marked = await markRedriven(context.db, id, now);
  // It was sent all the same, and sending it once more would do no harm.
  if (!marked.ok) console.error({ event: 'letter_unmarked', letter: id });
  return reply({ id: params.letter, queue: found.value.queue, redriven_at: now });
};

type Sender = Pick<AdminRequest<'deadletters.redrive'>, 'context' | 'by' | 'order'>;

const sendAgain = (asked: Sender, letter: Letter): Promise<Result<Done, Reason>> => {
  const { account, call, queue } = letter;
  const { context, by, order } = asked;
  if (queue.startsWith('countersign-settlement')) {
    // The payment's signature is in the account alone, and so is what has become of it since (law 9).
    return account === undefined || call === undefined
      ? Promise.resolve(unreadable)
      : give(context, account, { kind: 'redrive', call, by, order });
  }
  if (queue.startsWith('countersign-audit')) {
    const message = auditMessage(letter.body);
    return message === undefined
      ? Promise.resolve(unreadable)
      : sendNoted(asked, letter, () => context.auditQueue.send(message, { contentType: 'v8' }));
  }
  if (queue.startsWith('countersign-webhooks')) {
    const message = readWebhookMessage(jsonOf(letter.body));
    return message === undefined
      ? Promise.resolve(unreadable)
      : sendNoted(asked, letter, () => context.webhookQueue.send(message));
  }
  return Promise.resolve(unreadable);
};

const unreadable = err<Reason>({
  reason: 'not_writable',
  hint: 'This message can be read by nobody, so it is not sent again. Whoever sent it keeps what it was about.',
});

/** The order first: an intent that was used sends nothing. */
const sendNoted = async (
  { context, by, order }: Sender,
  { id, queue }: Letter,
  send: () => Promise<unknown>,
): Promise<Result<Done, Reason>> => {
  const self = gatewayAccount(context.config);
  const given = await give(context, self, { kind: 'deadLetter', id, queue, by, order });
  if (!given.ok) return given;
  try {
    await send();
    return given;
  } catch (cause) {
    console.error({ event: 'letter_unsent', letter: id, cause: String(cause) });
    return err({ reason: 'storage_unavailable' });
  }
};

const jsonOf = (text: string): unknown => {
  const json = parseStrictJson(text);
  return json.ok ? json.value : undefined;
};

/** A chunk stands in its letter as base64. */
const auditMessage = (text: string) => {
  const json = jsonOf(text) as { readonly body?: unknown } | null | undefined;
  const body = typeof json?.body === 'string' ? decodeBase64(json.body) : undefined;
  return body === undefined ? undefined : readMessage({ ...json, body });
};
