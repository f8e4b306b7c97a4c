import type { AccountId } from '../protocol/account-id.ts';
import type { Seconds } from '../core/clock.ts';
import { outcomeOf } from './attempt.ts';
import type { WebhookScope } from './document.ts';
import { testEvent, type WebhookEvent } from './message.ts';
import { findWebhook } from './registry.ts';
import { type DeliveryFault, send, type SendDeps, type Sent } from './send.ts';

/** Attempts that are kept per webhook. */
export const MAX_DELIVERIES = 100;

/** One attempt to deliver a message. */
export type Delivery = {
  /** `webhook-id`. */
  readonly message: string;
  readonly type: WebhookEvent['type'];
  /** Only for an alert: its rule, and the entry that raised it. */
  readonly rule?: string;
  readonly account?: AccountId;
  readonly seq?: number;
  /** From 1. */
  readonly attempt: number;
  readonly status?: number;
  readonly fault?: DeliveryFault;
  readonly ms: number;
  readonly at: Seconds;
  /** `retry`: the message is sent again. `failed`: it is not. `disabled`: it is not, and this attempt disabled the webhook. */
  readonly outcome: 'delivered' | 'retry' | 'failed' | 'disabled';
  /** Only for `retry`: when the message is sent again. */
  readonly retryAt?: Seconds;
};

type Row = { readonly [name in keyof Omit<Delivery, 'retryAt'>]: Delivery[name] | null } & {
  readonly retry_at: Seconds | null;
};

/** Lists the last `MAX_DELIVERIES` attempts, latest first. @throws if the database does not answer. */
export const listDeliveries = async (
  db: D1Database,
  scope: WebhookScope,
  id: string,
): Promise<Delivery[]> => {
  const { results } = await db
    .prepare(
      `SELECT message, type, rule, account, seq, attempt, status, fault, ms, at, outcome, retry_at
       FROM webhook_deliveries WHERE scope = ?1 AND webhook = ?2
       ORDER BY at DESC, message DESC, attempt DESC LIMIT ${MAX_DELIVERIES}`,
    )
    .bind(scope, id)
    .all<Row>();
  return results.map(deliveryOf);
};

const deliveryOf = ({ retry_at: retryAt, ...row }: Row): Delivery =>
  Object.fromEntries(
    Object.entries({ ...row, retryAt }).filter(([, value]) => value !== null),
  ) as Delivery;

/** The record of an attempt, without its outcome. */
export const deliveryOfAttempt = (
  { id, type, rule, account, seq }: WebhookEvent,
  attempt: number,
  { status, fault, ms }: Sent,
  at: Seconds,
): Omit<Delivery, 'outcome'> => ({
  message: id,
  type,
  ...(rule === undefined ? {} : { rule }),
  ...(account === undefined ? {} : { account }),
  ...(seq === undefined ? {} : { seq }),
  attempt,
  ...(status === undefined ? {} : { status }),
  ...(fault === undefined ? {} : { fault }),
  ms,
  at,
});

/**
 * Statements that add an attempt to the log of a webhook that still exists, and shorten the log. They run in one transaction after
 * `webhookUpdates`: an attempt that disabled the webhook is logged as `disabled`.
 */
export const deliveryInserts = (
  db: D1Database,
  scope: WebhookScope,
  id: string,
  delivery: Delivery,
): D1PreparedStatement[] => {
  const { message, type, rule, account, seq, attempt, status, fault, ms, at, outcome, retryAt } =
    delivery;
  return [
    db
      .prepare(
        `INSERT OR REPLACE INTO webhook_deliveries
         (scope, webhook, at, message, attempt, type, rule, account, seq, status, fault, ms, outcome, retry_at)
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12,
           CASE WHEN ?13 = 'failed' AND disabled_at = ?3 THEN 'disabled' ELSE ?13 END, ?14
         FROM webhooks WHERE scope = ?1 AND id = ?2 AND document IS NOT NULL`,
      )
      .bind(
        ...[scope, id, at, message, attempt, type, rule ?? null, account ?? null, seq ?? null],
        ...[status ?? null, fault ?? null, ms, outcome, retryAt ?? null],
      ),
    db
      .prepare(
        `DELETE FROM webhook_deliveries WHERE scope = ?1 AND webhook = ?2 AND (at, message, attempt) <= (
           SELECT at, message, attempt FROM webhook_deliveries WHERE scope = ?1 AND webhook = ?2
           ORDER BY at DESC, message DESC, attempt DESC LIMIT 1 OFFSET ${MAX_DELIVERIES}
         )`,
      )
      .bind(scope, id),
  ];
};

/**
 * Sends a `webhook.test` immediately and once, also to a disabled webhook, and logs it. The result neither counts against the webhook nor
 * enables it.
 *
 * @returns undefined if there is no such webhook.
 * @throws if the database does not answer.
 */
export const testDelivery = async (
  deps: SendDeps,
  scope: WebhookScope,
  id: string,
  now: Seconds,
): Promise<Delivery | undefined> => {
  const webhook = await findWebhook(deps.db, scope, id);
  if (webhook === undefined) return undefined;
  const event = testEvent(scope, id, now);
  const sent = await send(deps, webhook, event, now);
  const delivery: Delivery = {
    ...deliveryOfAttempt(event, 1, sent, now),
    outcome:
      outcomeOf(sent, 1, webhook.document.format).outcome === 'delivered' ? 'delivered' : 'failed',
  };
  await deps.db.batch(deliveryInserts(deps.db, scope, id, delivery));
  return delivery;
};
