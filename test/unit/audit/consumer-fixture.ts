import { createExecutionContext, createMessageBatch, getQueueResult } from 'cloudflare:test';
import { type AuditDeps, consumeAudit } from '../../../src/audit/consumer.ts';
import type { Entry } from '../../../src/protocol/entry.ts';
import { projectWebhook } from '../../../src/webhooks/registry.ts';
import { db, messageOf } from './database.ts';
import { ALICE, MALLORY, paidCalls, START } from './history.ts';

export const QUEUE = 'countersign-audit';

/** Accounts that record their calls. */
export const listeners = (
  answer: (seq: number) => Promise<{ verdict: 'ok' | 'unavailable' }> = async () => ({
    verdict: 'ok',
  }),
) => {
  const acknowledged: [string, number][] = [];
  return {
    acknowledged,
    account: (id: string) => ({
      exported: (seq: number) => {
        acknowledged.push([id, seq]);
        return answer(seq);
      },
      document: async () => ({ verdict: 'unknown' }) as const,
    }),
  };
};

export const deliver = async (
  bodies: readonly unknown[],
  {
    account,
    alert,
    ...others
  }: Pick<AuditDeps, 'account' | 'alert' | 'appendToLog' | 'headsInLog' | 'raise' | 'deadLetter'>,
  database: D1Database = db,
  attempts = 1,
) => {
  const batch = createMessageBatch(
    QUEUE,
    bodies.map((body, index) => ({ id: `m${index}`, timestamp: new Date(), attempts, body })),
  );
  await consumeAudit(
    batch,
    { db: database, account, projectDocument: projectWebhook, ...others, ...(alert && { alert }) },
    START,
  );
  const result = await getQueueResult(batch, createExecutionContext());
  return {
    acked: result.explicitAcks,
    retried: result.retryMessages.map(({ msgId }) => msgId),
  };
};

export const alice = paidCalls(ALICE, 3);
export const mallory = paidCalls(MALLORY, 1);
export const cut = (entries: readonly Entry[], from: number, to: number) =>
  messageOf(entries.slice(from, to));
