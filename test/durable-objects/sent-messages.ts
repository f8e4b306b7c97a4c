import { runInDurableObject } from 'cloudflare:test';
import { vi } from 'vitest';
import type { AgentAccount } from '../../durable-objects/account/agent-account.ts';
import type { Hex } from '../../src/core/hex.ts';
import type { SettlementBody, SettlementMessage } from '../../src/protocol/payment.ts';
import { accountOf, stubOf } from './support.ts';

/**
 * Collects the messages that an account sends to the settlement queue from now on, and delivers none. All accounts of the isolate share the
 * queue, and those of earlier tests still send: their messages are left out.
 */
export const collectSettlements = async (payer: Hex): Promise<SettlementMessage[]> => {
  const sent: SettlementMessage[] = [];
  await runInDurableObject(stubOf(payer), (object: AgentAccount) => {
    const { SETTLEMENT_QUEUE: queue } = Reflect.get(object, 'env') as Env;
    vi.spyOn(queue, 'sendBatch').mockImplementation((messages) => {
      const all = [...messages].flatMap(({ body }) => body as SettlementBody);
      sent.push(...all.filter(({ account }) => account === accountOf(payer)));
      return Promise.resolve({} as QueueSendBatchResponse);
    });
  });
  return sent;
};
