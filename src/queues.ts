import { consumeAudit } from './audit/consumer.ts';
import { consumeAuditDeadLetters } from './audit/dead-letter.ts';
import type { Config } from './config.ts';
import type { AccountId } from './core/account-id.ts';
import { nowSeconds } from './core/clock.ts';
import { consumeSettlement } from './settlement/consumer.ts';
import { consumeDeadLetters, recordDeadLetters } from './settlement/dead-letter.ts';
import type { Presentations } from './settlement/presentations.ts';

/** What this isolate has presented lately, so that a payment is not presented twice within two blocks. */
const presentations: Presentations = new Map();

/** Hands a batch to the consumer of its queue. A queue nobody knows is retried, not dropped: a deploy may be under way. */
export const consume = async (batch: MessageBatch, env: Env, config: Config): Promise<void> => {
  const now = nowSeconds();
  const account = (id: AccountId) => env.AGENT_ACCOUNT.getByName(id);
  switch (batch.queue) {
    case 'countersign-settlement':
      return consumeSettlement(
        batch.messages,
        {
          account,
          chains: new Map(
            [...config.rpcUrls].map(([network, urls]) => [
              network,
              { urls, confirmations: config.confirmations },
            ]),
          ),
          backends: config.facilitators,
          presentations,
          deadLetter: (letter) => recordDeadLetters(env.AUDIT_DB, [letter]),
        },
        now,
      );
    case 'countersign-audit':
      return consumeAudit(batch, { db: env.AUDIT_DB, account }, now);
    case 'countersign-settlement-dead':
      return consumeDeadLetters(batch.messages, env.AUDIT_DB, batch.queue, now);
    case 'countersign-audit-dead':
      return consumeAuditDeadLetters(batch, env.AUDIT_DB, now);
    default:
      console.error({ event: 'unknown_queue', queue: batch.queue });
      return batch.retryAll({ delaySeconds: 60 });
  }
};
