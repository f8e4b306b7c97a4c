import { afterEach, beforeEach, expect, vi } from 'vitest';
import { PAUSES } from '../../../src/webhooks/attempt.ts';
import { listDeliveries } from '../../../src/webhooks/deliveries.ts';
import type { WebhookMessage } from '../../../src/webhooks/message.ts';
import { findWebhook } from '../../../src/webhooks/registry.ts';
import { db, freshDatabase } from '../audit/database.ts';
import { ALICE } from '../audit/history.ts';
import { alertOf, type consumer, everything, queued, receiver, register } from './world.ts';

export const ONCE = { done: 1, again: [] };

/** `key`: the receiver's key for the running test. */
export const world = { key: '' };

/** Empties the database and uses a new key before each test, because test files share the receiver. */
export const useReceiver = (): void => {
  beforeEach(async () => {
    await freshDatabase();
    world.key = crypto.randomUUID();
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });
};

/** A webhook of ALICE whose receiver has this behaviour, and a message for it. */
export const endpoint = async (behaviour: string, id = 'ops'): Promise<WebhookMessage> => {
  await register(ALICE, id, everything(`${receiver}/${behaviour}/${world.key}`));
  return nextMessage(id);
};
export const nextMessage = async (id = 'ops'): Promise<WebhookMessage> => {
  const messages = await queued(ALICE, alertOf(ALICE));
  return messages.find(({ webhook }) => webhook === id) as WebhookMessage;
};
export const log = async (id = 'ops') => listDeliveries(db, ALICE, id);
export const found = async (id = 'ops') => findWebhook(db, ALICE, id);

/** Delivers a message at each due time until its delivery ends. Returns the time of the last attempt. */
export const exhaust = async (
  consume: ReturnType<typeof consumer>['consume'],
  message: WebhookMessage,
  from: number,
): Promise<number> => {
  let now = from;
  for (const pause of PAUSES) {
    expect(await consume([message], now)).toEqual({ done: 0, again: [pause] });
    now += pause;
  }
  expect(await consume([message], now)).toEqual(ONCE);
  return now;
};
