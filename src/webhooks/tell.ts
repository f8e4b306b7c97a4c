import type { AlertBody } from '../protocol/account/alert.ts';
import type { AccountId } from '../protocol/account-id.ts';
import type { Seconds } from '../core/clock.ts';
import type { Webhook } from './registry.ts';

/** For how long one consumer has the telling to itself. */
const TELLING: Seconds = 30;

type TellDeps = {
  readonly db: D1Database;
  readonly self: AccountId;
  readonly raise: (account: AccountId, alert: AlertBody) => Promise<boolean>;
};

/**
 * Raises the alert that an endpoint is disabled, if nobody has; a crash between disabling and this loses nothing. Gives when to
 * come again, while it is not known to be raised.
 */
export const tell = async (
  webhook: Webhook,
  { db, self, raise }: TellDeps,
  now: Seconds,
): Promise<Seconds | undefined> => {
  const { scope, id, seq, reason, failures, tellAt } = webhook;
  if (tellAt === undefined) return undefined;
  // Messages of one endpoint end side by side: one of them tells, the others wait until it has.
  const taken = await db
    .prepare(
      'UPDATE webhooks SET tell_at = ?4 WHERE scope = ?1 AND id = ?2 AND seq = ?3 AND tell_at <= ?5 RETURNING 1 AS taken',
    )
    .bind(scope, id, seq, now + TELLING, now)
    .first();
  if (taken === null) return now + TELLING;
  const raised = await raise(scope === '*' ? self : scope, {
    rule: 'webhook_disabled',
    detail: { scope, webhook: id, reason: reason ?? 'failing', failures },
  });
  if (!raised) return now + TELLING;
  await db
    .prepare('UPDATE webhooks SET tell_at = NULL WHERE scope = ?1 AND id = ?2 AND seq = ?3')
    .bind(scope, id, seq)
    .run();
  return undefined;
};
