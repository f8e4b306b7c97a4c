import { consumeAudit } from '../audit/consumer.ts';
import { logOrigin } from '../audit/log/log-key.ts';
import { auditDeadLetter } from '../audit/consumer.ts';
import { type Config, gatewayAccount } from '../config/config.ts';
import { nowSeconds, type Seconds } from '../core/clock.ts';
import type { Result } from '../core/result.ts';
import { openSigner } from '../crypto/signer.ts';
import type { AlertBody } from '../protocol/alert.ts';
import type { StoredRun } from '../protocol/audit-log-contract.ts';
import { hasLog, archiveBucket } from '../config/optional-bindings.ts';
import { type AccountId, type Network, parseAccountId } from '../protocol/account-id.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { type Raise, raiser } from '../webhooks/alerts.ts';
import type { Invocations } from '../settlement/backends/backend.ts';
import { openInvocations } from '../settlement/backends/invocations.ts';
import type { Chain } from '../settlement/chain/observation.ts';
import { consumeSettlement, type SettlementDeps } from '../settlement/consumer.ts';
import {
  consumeDeadLetters,
  type DeadLetter,
  deadLettersOf,
  type MakeDeadLetter,
  newDeadLetters,
  recordDeadLetters,
  settlementDeadLetter,
} from '../settlement/dead-letter.ts';
import { type QueueKind, readQueueName } from '../settlement/queue-name.ts';
import { attemptsIn, recordHealth } from '../settlement/operator-tables.ts';
import { settlingOf } from './settling.ts';
import { inActiveSpan } from '../tracing/trace.ts';
import { consumeWebhooks, webhookDeadLetter } from '../webhooks/consumer.ts';
import { enqueueAlerts } from '../webhooks/message.ts';
import { noticeMissedCron } from '../outages/cron.ts';
import { projectSecret } from '../vault/secret-table.ts';
import { projectWebhook } from '../webhooks/registry.ts';
import { objectOf } from '../protocol/jurisdiction.ts';

const DEAD_LETTERS: Readonly<Record<QueueKind, MakeDeadLetter>> = {
  settlement: settlementDeadLetter,
  audit: auditDeadLetter,
  webhooks: webhookDeadLetter,
};

/** Serves a batch. A Worker without a valid configuration must not acknowledge messages (law 5). */
export const onBatch = async (
  batch: MessageBatch,
  env: Env,
  context: ExecutionContext,
  config: Result<Config, Reason>,
): Promise<void> => {
  if (config.ok) {
    await inActiveSpan('consume', async (span) => {
      span?.set({
        'messaging.destination.name': batch.queue,
        'messaging.batch.message_count': batch.messages.length,
      });
      await consume(batch, env, context, config.value);
    });
    return watchCron(env, config.value, nowSeconds());
  }
  console.error({ event: 'queue_misconfigured', queue: batch.queue });
  return batch.retryAll({ delaySeconds: 60 });
};

/** How often an isolate checks whether the cron trigger runs. */
const LOOK_EVERY: Seconds = 60;
let lookedAt: Seconds = 0;

const watchCron = async (env: Env, config: Config, now: Seconds): Promise<void> => {
  // Also after the clock of the machine was set back, which must not end the checks.
  if (Math.abs(now - lookedAt) < LOOK_EVERY) return;
  lookedAt = now;
  try {
    const raise = raiser(env);
    await noticeMissedCron(
      env.AUDIT_DB,
      async (alert) => raise(gatewayAccount(config), alert),
      now,
    );
  } catch (cause) {
    // The messages are processed already: a failure here must not redeliver them.
    console.error({ event: 'cron_unknown', cause: String(cause) });
  }
};

/** Passes a batch to the consumer of its queue. An unknown queue is retried, not dropped: a deploy may be in progress. */
export const consume = async (
  batch: MessageBatch,
  env: Env,
  context: ExecutionContext,
  config: Config,
): Promise<void> => {
  const now = nowSeconds();
  const db = env.AUDIT_DB;
  const self = gatewayAccount(config);
  const raise = raiser(env);
  /** Only new dead letters raise an alert, so the alert is raised before the dead letters are recorded. */
  const raiseNew = async (deadLetters: readonly DeadLetter[]): Promise<void> =>
    raiseDeadLetters(await newDeadLetters(db, deadLetters), self, raise);
  const keepDeadLetter = async (deadLetter: DeadLetter): Promise<void> => {
    await raiseNew([deadLetter]);
    await recordDeadLetters(db, [deadLetter]);
  };
  const { kind, isDead } = readQueueName(batch.queue) ?? {};
  if (kind !== undefined && isDead === true) {
    const makeDeadLetter = DEAD_LETTERS[kind];
    await raiseNew(deadLettersOf(batch, makeDeadLetter, now));
    return consumeDeadLetters(batch, db, makeDeadLetter, now);
  }
  switch (kind) {
    case 'settlement':
      return consumeSettlement(
        batch.messages,
        {
          ...settlementDeps(env, config, keepDeadLetter),
          queue: batch.queue,
          invocations: invocationsOf(context),
        },
        now,
      );
    case 'audit':
      return consumeAudit(
        batch,
        {
          db,
          archive: archiveBucket(env),
          account: (id: AccountId) => objectOf(env, env.AGENT_ACCOUNT, id),
          projectDocument: (on, entry) => [
            ...projectWebhook(on, entry),
            ...projectSecret(on, entry),
          ],
          deadLetter: keepDeadLetter,
          ...(hasLog(env)
            ? {
                appendToLog: async (runs: readonly StoredRun[]) =>
                  objectOf(env, env.AUDIT_LOG, logOrigin(config.audiences[0], now)).append(runs),
                headsInLog: async (accounts: readonly AccountId[]) =>
                  objectOf(env, env.AUDIT_LOG, logOrigin(config.audiences[0], now)).headsOf(
                    accounts,
                  ),
              }
            : {}),
          raise: (alert) => raise(self, alert),
          alert: async (of, entry) => enqueueAlerts({ db, queue: env.WEBHOOK_QUEUE }, of, entry),
        },
        now,
      );
    case 'webhooks': {
      const signer = await openSigner(env.RECEIPT_KEY);
      if (!signer.ok) {
        console.error({ event: 'webhooks_unsigned', detail: signer.error.detail });
        return batch.retryAll({ delaySeconds: 60 });
      }
      const { reach } = config;
      const deps = { db, signer: signer.value, receiptKey: env.RECEIPT_KEY, reach, self, raise };
      return consumeWebhooks(batch, deps, now);
    }
    case undefined:
      console.error({ event: 'unknown_queue', queue: batch.queue });
      return batch.retryAll({ delaySeconds: 60 });
  }
};

/** The further invocations of one batch. A runtime without loopback (tests with stubs) has none. */
const invocationsOf = (context: Partial<ExecutionContext> | undefined): Invocations => {
  const loopback = context?.exports?.SettlementRequests;
  return openInvocations(loopback && (async (requests) => loopback.postAll(requests)));
};

const settlementDeps = (
  env: Env,
  config: Config,
  keepDeadLetter: SettlementDeps['deadLetter'],
): Omit<SettlementDeps, 'queue'> => {
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
    account: (id) => objectOf(env, env.AGENT_ACCOUNT, id),
    chains: new Map(chains),
    backends,
    presentations,
    emit,
    deadLetter: keepDeadLetter,
    sendAgain: async (payments, delaySeconds) => {
      const [first, ...others] = payments;
      const body = others.length === 0 ? first : payments;
      await env.SETTLEMENT_QUEUE.send(body, { delaySeconds });
    },
    attempts: attemptsIn(env.AUDIT_DB),
    recordHealth: async (health, now) =>
      recordHealth(env.AUDIT_DB, healthChanges(health, now), now),
  };
};

/** Raises the alerts of dead letters. An alert that cannot be raised does not keep a dead letter from being recorded. */
const raiseDeadLetters = async (
  deadLetters: readonly DeadLetter[],
  self: AccountId,
  raise: Raise,
): Promise<void> => {
  const alerts = deadLetters.flatMap((deadLetter) => deadLetterAlert(deadLetter, self) ?? []);
  await Promise.all(alerts.map(async ({ account, alert }) => raise(account, alert)));
};

/**
 * The alert of a dead letter, and the account that raises it. For the audit queue that is the gateway's own account: the chain of entries
 * that is stuck could not export the alert. The webhook queue has no alert: it would travel through the queue that failed.
 */
export const deadLetterAlert = (
  { id, queue, account, call, reason }: DeadLetter,
  self: AccountId,
): { readonly account: AccountId; readonly alert: AlertBody } | undefined => {
  const kind = readQueueName(queue)?.kind;
  if (kind === 'webhooks') return undefined;
  const known = parseAccountId(account) === undefined ? self : (account as AccountId);
  return {
    account: kind === 'audit' ? self : known,
    alert: {
      rule: 'dead_letter',
      detail: {
        queue,
        letter: id,
        reason: reason.slice(0, 256),
        ...(account === '' ? {} : { account }),
        ...(call === '' ? {} : { call }),
      },
    },
  };
};
