import type { Seconds } from '../core/clock.ts';
import { judge } from './attempt.ts';
import { attemptOf, type Delivery, logging } from './deliveries.ts';
import type { WebhookScope } from './document.ts';
import { testEvent } from './message.ts';
import { findWebhook } from './registry.ts';
import { send, type SendDeps } from './send.ts';

/**
 * Sends a `webhook.test` at once and once, also to a disabled endpoint, and logs it. It neither counts against the endpoint nor
 * enables it. Undefined where there is no such endpoint. @throws where the database does not answer.
 */
export const testDelivery = async (
  deps: SendDeps & { readonly db: D1Database },
  scope: WebhookScope,
  id: string,
  now: Seconds,
): Promise<Delivery | undefined> => {
  const webhook = await findWebhook(deps.db, scope, id);
  if (webhook === undefined) return undefined;
  const event = testEvent(scope, id, now);
  const sent = await send(deps, webhook.document.url, event, now);
  const delivery: Delivery = {
    ...attemptOf(event, 1, sent, now),
    outcome: judge(sent, 1).outcome === 'delivered' ? 'delivered' : 'failed',
  };
  await deps.db.batch(logging(deps.db, scope, id, delivery));
  return delivery;
};
