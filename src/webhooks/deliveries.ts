import type { AccountId } from '../protocol/account-id.ts';
import type { Seconds } from '../core/clock.ts';
import type { WebhookScope } from './document.ts';
import type { WebhookEvent } from './message.ts';
import type { Sent } from './send.ts';

/** How many attempts are remembered of each endpoint. */
export const MAX_DELIVERIES = 100;

/** Why there was no answer, or none that counts. `redirect` has a status all the same; `address`: the URL is not one to ask. */
export type DeliveryFault = 'timeout' | 'connection' | 'redirect' | 'address';

/** One attempt to deliver a message. */
export type Delivery = {
  /** `webhook-id`. */
  readonly message: string;
  readonly type: WebhookEvent['type'];
  /** Of an alert: its rule, and the entry that raised it. */
  readonly rule?: string;
  readonly account?: AccountId;
  readonly seq?: number;
  /** From 1. */
  readonly attempt: number;
  readonly status?: number;
  readonly fault?: DeliveryFault;
  readonly ms: number;
  readonly at: Seconds;
  /** `retry`: it is sent again. `failed`: it is not. `disabled`: neither, and the endpoint was switched off by it. */
  readonly outcome: 'delivered' | 'retry' | 'failed' | 'disabled';
  /** Of `retry`: when. */
  readonly retryAt?: Seconds;
};

type Row = { readonly [name in keyof Omit<Delivery, 'retryAt'>]: Delivery[name] | null } & {
  readonly retry_at: Seconds | null;
};

/** The last `MAX_DELIVERIES` attempts, latest first. @throws where the database does not answer. */
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

/** An attempt, but for what follows from it. */
export const attemptOf = (
  { id, type, rule, account, seq }: WebhookEvent,
  attempt: number,
  sent: Sent,
  at: Seconds,
): Omit<Delivery, 'outcome'> => ({
  message: id,
  type,
  ...(rule === undefined ? {} : { rule }),
  ...(account === undefined ? {} : { account }),
  ...(seq === undefined ? {} : { seq }),
  attempt,
  ...sent,
  at,
});

/**
 * Statements that add an attempt to the log of an endpoint that is still there, and keep the log short. In one transaction after
 * what it did to the endpoint: a failure that switched it off says so.
 */
export const logging = (
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
