import { readMessage } from '../audit/read-chunk.ts';
import { gatewayAccount } from '../config/config.ts';
import type { Seconds } from '../core/clock.ts';
import type { Hex } from '../core/hex.ts';
import { err, ok, type Result } from '../core/result.ts';
import { withoutUndefined } from '../core/without-undefined.ts';
import {
  decodeBase64,
  decodeBase64Url,
  decodeUtf8,
  encodeBase64Url,
  utf8,
} from '../crypto/bytes.ts';
import type { AccountId } from '../protocol/account-id.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { parseStrictJson } from '../protocol/strict-json.ts';
import { readQueueName } from '../settlement/queue-name.ts';
import { readWebhookMessage } from '../webhooks/message.ts';
import { type AppliedCommand, sendCommand } from './command.ts';
import type { DEAD_LETTER_ROUTES } from './dead-letter.route.ts';
import type { AdminRequest, Handler, Handlers } from './handler.ts';
import { attempt, type ListPage, type PageRequest, type Queried, withoutNulls } from './page.ts';
import { queryReason, refuse, reply, replyPage } from './reply.ts';
import type { AnswerOf } from './routes.ts';
import { scan } from './scan.ts';

/** A message that no consumer could process. */
export type DeadLetterItem = {
  readonly id: string;
  readonly queue: string;
  readonly account?: AccountId;
  readonly call?: Hex;
  readonly at: Seconds;
  readonly reason: string;
  /** When it was last sent again; absent again once its message returns. */
  readonly redrivenAt?: Seconds;
};

/** With the message as JSON. */
type DeadLetterWithBody = DeadLetterItem & { readonly body: string };

/** Lists dead letters, newest first, without their bodies. */
export const listDeadLetters = (
  db: D1Database,
  page: PageRequest,
): Queried<ListPage<DeadLetterItem>> =>
  attempt(() =>
    scan(
      db,
      {
        list: 'letters',
        index: 'dead_letters d INDEXED BY dead_letters_by_time',
        key: ['d.at', 'd.id'],
        shape: ['number', 'string'],
        within: [],
        range: { least: 0 },
        columns: COLUMNS,
        joins: '',
        filters: [],
        placeOf: ({ at, id }) => [at, id],
      },
      page,
      deadLetterItem,
    ),
  );

/** The maximum number of dead letters that the story of a call shows. */
const MAX_OF_CALL = 20;

/** The dead letters about one call, newest first. There are few: a payment has one message in a queue at a time. */
export const deadLettersOfCall = async (
  db: D1Database,
  account: AccountId,
  call: Hex,
): Promise<readonly DeadLetterItem[]> => {
  const { results } = await db
    .prepare(
      `SELECT ${COLUMNS} FROM dead_letters d INDEXED BY dead_letters_by_call
       WHERE d.call <> '' AND d.account = ?1 AND d.call = ?2 ORDER BY d.at DESC, d.id DESC LIMIT ${MAX_OF_CALL}`,
    )
    .bind(account, call)
    .all<DeadLetterRow>();
  return results.map(deadLetterItem);
};

export const findDeadLetter = (
  db: D1Database,
  id: string,
): Queried<DeadLetterWithBody | undefined> =>
  attempt(async () => {
    const row = await db
      .prepare(`SELECT ${COLUMNS}, d.body FROM dead_letters d WHERE d.id = ?1`)
      .bind(id)
      .first<DeadLetterRow & { readonly body: string }>();
    return ok(row === null ? undefined : { ...deadLetterItem(row), body: row.body });
  });

/** Records that a dead letter was sent again. */
export const markRedriven = (db: D1Database, id: string, at: Seconds): Queried<void> =>
  attempt(async () => {
    await db.prepare('UPDATE dead_letters SET redriven_at = ?2 WHERE id = ?1').bind(id, at).run();
    return ok(undefined);
  });

type DeadLetterRow = {
  readonly id: string;
  readonly queue: string;
  readonly account: AccountId | '' | null;
  readonly call: Hex | '' | null;
  readonly at: number;
  readonly reason: string;
  readonly redriven_at: number | null;
};

const COLUMNS = 'd.id, d.queue, d.account, d.call, d.at, d.reason, d.redriven_at';

const deadLetterItem = (row: DeadLetterRow): DeadLetterItem =>
  withoutNulls({
    id: row.id,
    queue: row.queue,
    account: row.account === '' ? null : row.account,
    call: row.call === '' ? null : row.call,
    at: row.at,
    reason: row.reason,
    redrivenAt: row.redriven_at,
  });

const list: Handler<'deadletters.list'> = async ({ context, query, request }) => {
  const found = await listDeadLetters(context.db, query);
  if (!found.ok) return refuse(queryReason(found.error));
  const { items, next } = found.value;
  return replyPage(request, { items: items.map(deadLetterBody), next });
};

/** A dead letter in its wire form. Its id may hold slashes, so on the wire it is base64url. */
export const deadLetterBody = ({
  id,
  redrivenAt,
  ...item
}: DeadLetterItem): AnswerOf<'deadletters.list'>['items'][number] => ({
  ...item,
  id: encodeBase64Url(utf8(id)),
  ...withoutUndefined({ redriven_at: redrivenAt }),
});

const UNKNOWN = { reason: 'unknown_document', what: 'dead letter with this id' } as const;

/** Sends the message of a dead letter again. Consumers are idempotent: one that has processed the message changes nothing. */
const redrive: Handler<'deadletters.redrive'> = async (request) => {
  const { context, params, now } = request;
  const bytes = decodeBase64Url(params.letter);
  const id = bytes === undefined ? undefined : decodeUtf8(bytes);
  if (id === undefined) return refuse(UNKNOWN);
  const found = await findDeadLetter(context.db, id);
  if (!found.ok) return refuse(queryReason(found.error));
  if (found.value === undefined) return refuse(UNKNOWN);
  const sent = await sendAgain(request, found.value);
  if (!sent.ok) return sent;
  const marked = await markRedriven(context.db, id, now);
  // The message was sent, and sending it once more does no harm.
  if (!marked.ok) console.error({ event: 'dead_letter_unmarked', id });
  return reply({ id: params.letter, queue: found.value.queue, redriven_at: now });
};

type Sender = Pick<AdminRequest<'deadletters.redrive'>, 'context' | 'by' | 'intent'>;

const sendAgain = async (
  sender: Sender,
  item: DeadLetterWithBody,
): Promise<Result<AppliedCommand, Reason>> => {
  const { account, call, queue } = item;
  const { context, by, intent } = sender;
  const kind = readQueueName(queue)?.kind;
  if (kind === 'settlement') {
    // Only the account has the payment's signature and its current state (law 9).
    return account === undefined || call === undefined
      ? UNREADABLE
      : sendCommand(context, account, { kind: 'redrive', call, by, intent });
  }
  if (kind === 'audit') {
    const message = auditMessage(item.body);
    return message === undefined
      ? UNREADABLE
      : sendRecorded(sender, item, () => context.auditQueue.send(message, { contentType: 'v8' }));
  }
  if (kind === 'webhooks') {
    const message = readWebhookMessage(jsonOf(item.body));
    return message === undefined
      ? UNREADABLE
      : sendRecorded(sender, item, () => context.webhookQueue.send(message));
  }
  return UNREADABLE;
};

const UNREADABLE = err<Reason>({
  reason: 'not_writable',
  hint: 'No consumer can read this message, so the gateway does not send it again. Its sender still has the data.',
});

/** Records the command first: an intent that was used before sends nothing. */
const sendRecorded = async (
  { context, by, intent }: Sender,
  { id, queue }: DeadLetterItem,
  send: () => Promise<unknown>,
): Promise<Result<AppliedCommand, Reason>> => {
  const self = gatewayAccount(context.config);
  const applied = await sendCommand(context, self, { kind: 'deadLetter', id, queue, by, intent });
  if (!applied.ok) return applied;
  try {
    await send();
    return applied;
  } catch (cause) {
    console.error({ event: 'dead_letter_unsent', id, cause: String(cause) });
    return err({ reason: 'storage_unavailable' });
  }
};

const jsonOf = (text: string): unknown => {
  const json = parseStrictJson(text);
  return json.ok ? json.value : undefined;
};

/** Reads a message of the audit queue, whose chunk is recorded as base64. */
const auditMessage = (text: string) => {
  const json = jsonOf(text) as { readonly body?: unknown } | null | undefined;
  const body = typeof json?.body === 'string' ? decodeBase64(json.body) : undefined;
  return body === undefined ? undefined : readMessage({ ...json, body });
};

export const deadLetterHandlers: Handlers<keyof typeof DEAD_LETTER_ROUTES> = {
  'deadletters.list': list,
  'deadletters.redrive': redrive,
};
