import type { Seconds } from '../core/clock.ts';
import type { AccountId } from '../protocol/account-id.ts';
import type { AdminContext } from './handler.ts';

/**
 * How long an entry takes at most from its account into D1 while nothing fails, seconds: the account cuts its chunk within eleven, the queue
 * waits one, and a batch is stored within a few more.
 */
export const STORED_WITHIN: Seconds = 20;

/**
 * The time up to which a list from D1 is complete: it shows every entry that is older. Call it before the query: entries stored in between
 * make the list newer than stated, never older.
 *
 * For one account it is exact, because the account knows which of its entries D1 has. For all accounts it follows from the audit queue: the
 * time of its oldest message, less `STORED_WITHIN`. A chunk that D1 rejected, or that its account could not send, is in no queue.
 *
 * @returns undefined if account or queue does not answer.
 */
export const asOf = async (
  context: Pick<AdminContext, 'account' | 'auditQueue'>,
  account: AccountId | undefined,
  now: Seconds,
): Promise<Seconds | undefined> => {
  try {
    return account === undefined
      ? (await oldestMessage(context, now)) - STORED_WITHIN
      : await oldestEntry(context, account, now);
  } catch (cause) {
    console.error({ event: 'list_age_unknown', cause: String(cause) });
    return undefined;
  }
};

/** The local queue shows an empty backlog as time 0. */
const oldestMessage = async (
  { auditQueue }: Pick<AdminContext, 'auditQueue'>,
  now: Seconds,
): Promise<Seconds> => {
  const { oldestMessageTimestamp } = await auditQueue.metrics();
  const oldest = Math.floor(Number(oldestMessageTimestamp ?? 0) / 1_000);
  return oldest > 0 ? Math.min(now, oldest) : now;
};

/** The time of the account's oldest entry that D1 does not have; now, if it has all of them. */
const oldestEntry = async (
  context: Pick<AdminContext, 'account'>,
  account: AccountId,
  now: Seconds,
): Promise<Seconds | undefined> => {
  const newest = await context.account(account).entries(Number.MAX_SAFE_INTEGER, 0, 1);
  if (newest.verdict !== 'found') return undefined;
  if (newest.exported >= newest.head) return now;
  const page = await context.account(account).entries(newest.exported, 0, 1);
  const [oldest] = page.verdict === 'found' ? page.entries : [];
  return oldest === undefined ? undefined : Math.min(now, oldest.at);
};
