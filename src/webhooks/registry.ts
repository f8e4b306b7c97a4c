import type { Entry } from '../protocol/entry.ts';
import { factsIf } from '../protocol/log/facts.ts';
import type { AccountId } from '../protocol/account-id.ts';
import type { Hex } from '../core/hex.ts';
import type { Seconds } from '../core/clock.ts';
import {
  readStoredWebhook,
  readWebhookName,
  type WebhookDocument,
  webhookHash,
  type WebhookScope,
} from './document.ts';

/** Webhooks of one scope, at most. Bounds the messages of one alert. */
export const MAX_WEBHOOKS = 20;

/** How long a removed webhook is remembered: longer than an older entry may be in the queue. */
const REMEMBERED: Seconds = 30 * 86_400;

/** Why the gateway disabled a webhook: its receiver answered 410, or too many messages in a row failed permanently. */
export type DisabledReason = 'gone' | 'failing';

/** A webhook and its state. */
export type Webhook = {
  readonly scope: WebhookScope;
  readonly id: string;
  readonly document: WebhookDocument;
  /** SHA-256 of the document's JCS: its ETag. */
  readonly hash: Hex;
  readonly state: 'active' | 'disabled';
  /** Only for a disabled webhook. Writing it again enables it. */
  readonly reason?: DisabledReason;
  readonly disabledAt?: Seconds;
  /** Set until the alert that it is disabled was raised: from when a consumer may raise it. */
  readonly alertAt?: Seconds;
  /** Messages in a row that failed permanently. */
  readonly failures: number;
  /** When it was written. */
  readonly at: Seconds;
  /** The entry that wrote it: the account that keeps the webhook, and the entry's seq. */
  readonly holder: AccountId;
  readonly seq: number;
};

/** A webhook that an entry of `holder` wrote or, with `document: null`, removed. */
export type WebhookPut = Pick<Webhook, 'scope' | 'id' | 'holder' | 'seq' | 'at'> & {
  readonly document: WebhookDocument | null;
};

export type PutVerdict =
  /** The webhook is stored as given, or a later version is. */
  | { readonly verdict: 'put' }
  /** The scope has `MAX_WEBHOOKS` other webhooks. */
  | { readonly verdict: 'full' };

type Row = {
  readonly scope: WebhookScope;
  readonly id: string;
  readonly document: string;
  readonly hash: Hex;
  readonly holder: AccountId;
  readonly seq: number;
  readonly at: Seconds;
  readonly state: 'active' | 'disabled';
  readonly reason: DisabledReason | null;
  readonly disabled_at: Seconds | null;
  readonly tell_at: Seconds | null;
  readonly failures: number;
};

const ALL = 'SELECT * FROM webhooks WHERE document IS NOT NULL';

/** Lists the webhooks of a scope by id, at most `MAX_WEBHOOKS`. @throws if the database does not answer. */
export const listWebhooks = async (db: D1Database, scope: WebhookScope): Promise<Webhook[]> =>
  listWebhooksOf(db, [scope]);

/** Lists the webhooks of several scopes. @throws if the database does not answer. */
export const listWebhooksOf = async (
  db: D1Database,
  scopes: readonly WebhookScope[],
): Promise<Webhook[]> => {
  const { results } = await db
    .prepare(`${ALL} AND scope IN (SELECT value FROM json_each(?1)) ORDER BY scope, id`)
    .bind(JSON.stringify(scopes))
    .all<Row>();
  return results.map(webhookOf);
};

/** Finds one webhook. @throws if the database does not answer. */
export const findWebhook = async (
  db: D1Database,
  scope: WebhookScope,
  id: string,
): Promise<Webhook | undefined> => {
  const row = await db.prepare(`${ALL} AND scope = ?1 AND id = ?2`).bind(scope, id).first<Row>();
  return row === null ? undefined : webhookOf(row);
};

const webhookOf = (row: Row): Webhook => ({
  scope: row.scope,
  id: row.id,
  document: JSON.parse(row.document) as WebhookDocument,
  hash: row.hash,
  state: row.state,
  ...(row.reason === null ? {} : { reason: row.reason }),
  ...(row.disabled_at === null ? {} : { disabledAt: row.disabled_at }),
  ...(row.tell_at === null ? {} : { alertAt: row.tell_at }),
  failures: row.failures,
  at: row.at,
  holder: row.holder,
  seq: row.seq,
});

/**
 * Writes, enables or removes a webhook. An older entry changes nothing, and neither does the same entry again: a webhook that was disabled
 * since stays disabled. @throws if the database does not answer.
 */
export const putWebhook = async (db: D1Database, put: WebhookPut): Promise<PutVerdict> => {
  const { scope, id, document, holder, seq, at } = put;
  await db.batch(writing(db, put));
  if (document === null) return { verdict: 'put' };
  const stored = await db
    .prepare(
      `SELECT 1 FROM webhooks WHERE scope = ?1 AND id = ?2
       AND CASE WHEN holder = ?3 THEN seq >= ?4 ELSE at >= ?5 END`,
    )
    .bind(scope, id, holder, seq, at)
    .first();
  return { verdict: stored === null ? 'full' : 'put' };
};

/** Statements that apply `webhook.put` and `webhook.removed` to the table; none for every other entry. */
export const projectWebhook = (db: D1Database, logged: Entry): D1PreparedStatement[] => {
  const entry = factsIf(logged, 'webhook.put', 'webhook.removed');
  if (entry === undefined) return [];
  const named = readWebhookName(entry.outcome.name ?? '');
  const { account: holder, seq, at } = entry;
  // An account writes webhooks of its own scope only. The scope `*` is kept by the gateway's own account, which alone gets such documents.
  if (named === undefined || (named.scope !== '*' && named.scope !== holder)) return [];
  if (entry.type === 'webhook.removed') {
    return writing(db, { ...named, document: null, holder, seq, at });
  }
  // The sender checks the URL again before each message. An unreadable document gets no messages, and neither does the one that it
  // replaced.
  const document = readStoredWebhook(entry.evidence.document) ?? null;
  return writing(db, { ...named, document, holder, seq, at });
};

/** Race: two requests write the twentieth webhook at once. The writing statement counts, so only one of them succeeds. */
const WRITE = `
INSERT INTO webhooks (scope, id, document, hash, holder, seq, at, state, failures)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, 'active', 0
WHERE ?3 IS NULL OR ${MAX_WEBHOOKS} > (
  SELECT count(*) FROM webhooks WHERE scope = ?1 AND id <> ?2 AND document IS NOT NULL
)
ON CONFLICT (scope, id) DO UPDATE SET document = excluded.document, hash = excluded.hash, holder = excluded.holder,
  seq = excluded.seq, at = excluded.at, state = 'active', reason = NULL, disabled_at = NULL, tell_at = NULL, failures = 0
WHERE CASE WHEN holder = excluded.holder THEN excluded.seq > seq ELSE excluded.at > at END`;

/** With another holder, the gateway has a new account of its own, whose chain starts at 1, so compare `at`, not `seq`. */
const writing = (db: D1Database, put: WebhookPut): D1PreparedStatement[] => {
  const { scope, id, document, holder, seq, at } = put;
  const text = document === null ? null : JSON.stringify(document);
  const hash = document === null ? null : webhookHash(document);
  const forget = ['webhook_messages', 'webhook_deliveries'].map((table) =>
    db
      .prepare(
        `DELETE FROM ${table} WHERE scope = ?1 AND webhook = ?2
         AND EXISTS (SELECT 1 FROM webhooks WHERE scope = ?1 AND id = ?2 AND document IS NULL)`,
      )
      .bind(scope, id),
  );
  return [
    db.prepare(WRITE).bind(scope, id, text, hash, holder, seq, at),
    ...(document === null ? forget : []),
    db
      .prepare('DELETE FROM webhooks WHERE scope = ?1 AND document IS NULL AND at < ?2')
      .bind(scope, at - REMEMBERED),
  ];
};
