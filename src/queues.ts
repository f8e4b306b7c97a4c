import { consumeAudit } from './audit/consumer.ts';
import { auditLetter, consumeAuditDeadLetters } from './audit/dead-letter.ts';
import { type Config, gatewayAccount } from './config.ts';
import type { AccountId, Network } from './protocol/account-id.ts';
import { nowSeconds, type Seconds } from './core/clock.ts';
import { openSigner } from './crypto/signer.ts';
import { attemptsIn } from './settlement/operator-tables.ts';
import { recordHealth } from './settlement/operator-tables.ts';
import { consumeSettlement, type SettlementDeps } from './settlement/consumer.ts';
import {
  consumeDeadLetters,
  type DeadLetter,
  deadLetter,
  recordDeadLetters,
} from './settlement/dead-letter.ts';
import type { Chain } from './settlement/chain/observation.ts';
import { type Raise, raiser } from './raise-alert.ts';
import { settlingOf } from './settling.ts';
import { consumeWebhooks } from './webhooks/consumer.ts';
import { consumeWebhookDeadLetters } from './webhooks/dead-letter.ts';
import { enqueueAlerts } from './webhooks/enqueue.ts';
import { letterAlert, newLetters } from './webhooks/letter-alert.ts';
import { projectWebhook } from './webhooks/registry.ts';

/** Hands a batch to the consumer of its queue. A queue nobody knows is retried, not dropped: a deploy may be under way. */
export const consume = async (batch: MessageBatch, env: Env, config: Config): Promise<void> => {
  const now = nowSeconds();
  const db = env.AUDIT_DB;
  const self = gatewayAccount(config);
  const account = (id: AccountId) => env.AGENT_ACCOUNT.getByName(id);
  const raise = raiser(env);
  const raiseAll = (letters: readonly DeadLetter[]) => raiseLetters(letters, self, raise);
  const keepLetter = async (letter: DeadLetter): Promise<void> => {
    await raiseAll(await newLetters(db, [letter]));
    await recordDeadLetters(db, [letter]);
  };
  switch (batch.queue) {
    case 'countersign-settlement':
      return consumeSettlement(batch.messages, settlementDeps(env, config, keepLetter), now);
    case 'countersign-audit':
      return consumeAudit(
        batch,
        {
          db,
          account,
          projectWebhook,
          deadLetter: keepLetter,
          raise: (alert) => raise(self, alert),
          alert: async (of, entry) => enqueueAlerts({ db, queue: env.WEBHOOK_QUEUE }, of, entry),
        },
        now,
      );
    case 'countersign-webhooks': {
      const signer = await openSigner(env.RECEIPT_KEY);
      if (!signer.ok) {
        console.error({ event: 'webhooks_unsigned', detail: signer.error.detail });
        return batch.retryAll({ delaySeconds: 60 });
      }
      const { reach } = config;
      return consumeWebhooks(batch, { db, signer: signer.value, reach, self, raise }, now);
    }
    case 'countersign-settlement-dead':
      await raiseAll(await newLetters(db, lettersOf(batch, deadLetter, now)));
      return consumeDeadLetters(batch.messages, db, batch.queue, now);
    case 'countersign-audit-dead':
      await raiseAll(await newLetters(db, lettersOf(batch, auditLetter, now)));
      return consumeAuditDeadLetters(batch, db, now);
    case 'countersign-webhooks-dead':
      return consumeWebhookDeadLetters(batch, db, now);
    default:
      console.error({ event: 'unknown_queue', queue: batch.queue });
      return batch.retryAll({ delaySeconds: 60 });
  }
};

const settlementDeps = (
  env: Env,
  config: Config,
  keepLetter: SettlementDeps['deadLetter'],
): SettlementDeps => {
  const { backends, presentations, chainHealth, healthChanges, emit } = settlingOf(env, config);
  const chains = [...config.rpcUrls].map(([network, urls]): [Network, Chain] => [
    network,
    {
      urls,
      confirmations: config.confirmations,
      onAnswered: (answered) => chainHealth.note(network, answered, nowSeconds()),
    },
  ]);
  return {
    account: (id) => env.AGENT_ACCOUNT.getByName(id),
    chains: new Map(chains),
    backends,
    presentations,
    emit,
    deadLetter: keepLetter,
    attempts: attemptsIn(env.AUDIT_DB),
    recordHealth: async (health, now) =>
      recordHealth(env.AUDIT_DB, healthChanges(health, now), now),
  };
};

const lettersOf = (
  batch: MessageBatch,
  letterOf: typeof deadLetter,
  now: Seconds,
): readonly DeadLetter[] =>
  batch.messages.map((message) => letterOf(message, batch.queue, 'retries exhausted', now));

/** Before they are recorded, or nobody would know that they are new. An alert that cannot be raised keeps no letter from the record. */
const raiseLetters = async (
  letters: readonly DeadLetter[],
  self: AccountId,
  raise: Raise,
): Promise<void> => {
  const alerts = letters.flatMap((letter) => letterAlert(letter, self) ?? []);
  await Promise.all(alerts.map(async ({ account, alert }) => raise(account, alert)));
};
