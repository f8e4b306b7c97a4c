import * as z from 'zod/mini';
import type { Entry } from '../protocol/entry.ts';
import { type AccountId, parseAccountId } from '../protocol/account-id.ts';
import { hears } from './document.ts';
import { alertEvent, type WebhookMessage } from './message.ts';
import { hearing } from './registry.ts';

export type EnqueueDeps = { readonly db: D1Database; readonly queue: Pick<Queue, 'sendBatch'> };

/** A batch holds at most 100 messages and 256 KB (platform facts 2); a body of 20 KiB may be twice that once it is quoted. */
const BATCH = 5;

/**
 * Sends an alert to the queue, once for each endpoint that hears it: of the account, of those above it, and of everything. Asked
 * again it sends again: the consumer knows what has arrived. @throws where database or queue does not answer.
 */
export const enqueueAlerts = async (
  { db, queue }: EnqueueDeps,
  account: AccountId,
  entry: Entry,
): Promise<void> => {
  const event = alertEvent(entry);
  if (event?.rule === undefined) return;
  const { rule } = event;
  const webhooks = await hearing(db, [account, ...(await accountsAbove(db, account)), '*']);
  const messages = webhooks
    .filter(({ state, document }) => state === 'active' && hears(document, rule))
    .map(({ scope, id }): WebhookMessage => ({ v: 1, scope, webhook: id, event }));
  for (let at = 0; at < messages.length; at += BATCH) {
    await queue.sendBatch(messages.slice(at, at + BATCH).map((body) => ({ body })));
  }
};

const aboveSchema = z.array(
  z.custom<AccountId>((value) => typeof value === 'string' && parseAccountId(value) !== undefined),
);

/** Accounts that this one hangs below, as the log last said. */
const accountsAbove = async (db: D1Database, account: AccountId): Promise<readonly AccountId[]> => {
  const above = await db
    .prepare('SELECT above FROM accounts WHERE account = ?1')
    .bind(account)
    .first<string | null>('above');
  const read = aboveSchema.safeParse(above === null ? [] : JSON.parse(above));
  return read.success ? read.data : [];
};
