import { pruneOfferedGrants } from '../audit/offered-grants.ts';
import { type Config, gatewayAccount } from '../config/config.ts';
import type { Seconds } from '../core/clock.ts';
import type { Address } from '../core/hex.ts';
import type { Network } from '../protocol/account-id.ts';
import type { Result } from '../core/result.ts';
import type { AlertBody } from '../protocol/alert.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { tokenOf } from '../protocol/x402/networks.ts';
import { raiser } from '../webhooks/alerts.ts';
import { watchLogLag } from '../audit/log-lag.ts';
import { watchLostEntries } from '../audit/lost-entries.ts';
import { logOrigin } from '../audit/log/log-key.ts';
import { hasLog, archiveBucket } from '../config/optional-bindings.ts';
import { beginCron } from '../outages/cron.ts';
import { watchOutages } from './watch-outages.ts';
import type { Site } from '../settlement/sweep/examine.ts';
import { type Promised, promisedOpen } from '../settlement/promised.ts';
import { reconcile } from '../settlement/sweep/reconcile.ts';
import { objectOf } from '../protocol/jurisdiction.ts';

/** At the end of the name of a log. */
const YEAR_DIGITS = 4;

/**
 * Serves the cron trigger, each minute: checks for outages, and every 15 minutes runs the upkeep. A Worker without a valid configuration
 * only logs, because it does not know its chains.
 *
 * @param cron the expression that is due; empty if a person or a test runs the trigger of `wrangler dev`, which always includes the upkeep
 */
export const onSchedule = async (
  env: Env,
  config: Result<Config, Reason>,
  cron: string,
  now: Seconds,
): Promise<void> => {
  if (!config.ok) return console.error({ event: 'scheduled_misconfigured' });
  const isDue = await beginCron(env.AUDIT_DB, now);
  await watchOutages(env, config.value, now);
  if (isDue || cron === '') await runUpkeep(env, config.value, now);
};

/**
 * Deletes expired offered grants, ends cards that are left over, checks the size of D1, the payees of open payments, and D1 and the log
 * against each other, moves old log to R2, and compares ledger and chain.
 */
export const runUpkeep = async (env: Env, config: Config, now: Seconds): Promise<void> => {
  await pruneOfferedGrants(env.AUDIT_DB, now);
  const raise = raiser(env);
  const self = gatewayAccount(config);
  try {
    await watchSize(env.AUDIT_DB, config.databaseMax, (alert) => raise(self, alert));
  } catch (cause) {
    console.error({ event: 'database_size_unknown', cause: String(cause) });
  }
  try {
    await watchPayees(env.AUDIT_DB, config, (alert) => raise(self, alert));
  } catch (cause) {
    console.error({ event: 'open_payments_unknown', cause: String(cause) });
  }
  try {
    if (hasLog(env)) {
      const log = objectOf(env, env.AUDIT_LOG, logOrigin(config.audiences[0], now));
      await watchLostEntries({
        ...{ db: env.AUDIT_DB, log },
        account: (id) => objectOf(env, env.AGENT_ACCOUNT, id),
        raise: (alert) => raise(self, alert),
      });
    }
  } catch (cause) {
    console.error({ event: 'lost_entries_unknown', cause: String(cause) });
  }
  try {
    if (hasLog(env)) {
      const origin = logOrigin(config.audiences[0], now).slice(0, -YEAR_DIGITS);
      const logOf = (year: number) => objectOf(env, env.AUDIT_LOG, `${origin}${year}`);
      await watchLogLag(env.AUDIT_DB, logOf, (alert) => raise(self, alert), now);
    }
  } catch (cause) {
    console.error({ event: 'log_lag_unknown', cause: String(cause) });
  }
  try {
    const { endCards } = await import('./card-sweep.ts');
    await endCards(env, config, now);
  } catch (cause) {
    console.error({ event: 'cards_unswept', cause: String(cause) });
  }
  try {
    await archive(env, config, now);
  } catch (cause) {
    console.error({ event: 'archive_failed', cause: String(cause) });
  }
  await reconcile(
    {
      db: env.AUDIT_DB,
      sites: [...config.payees].flatMap(([network, all]) => siteOf(config, network, all) ?? []),
      account: (id) => objectOf(env, env.AGENT_ACCOUNT, id),
      raise: (alert) => raise(self, alert),
    },
    now,
  );
};

/** Moves old log and ended calls to R2. A Worker without the bucket keeps everything in D1. */
const archive = async (env: Env, config: Config, now: Seconds): Promise<void> => {
  const bucket = archiveBucket(env);
  if (bucket === undefined) return;
  const { runArchive } = await import('../audit/archive/run-archive.ts');
  const self = gatewayAccount(config);
  const raise = raiser(env);
  await runArchive(
    {
      ...{ db: env.AUDIT_DB, bucket, retainDays: config.retainDays },
      raise: (alert) => raise(self, alert),
      record: async (object) => {
        const command = { kind: 'archived', ...object } as const;
        const { verdict } = await objectOf(env, env.AGENT_ACCOUNT, self).apply(command);
        return verdict === 'applied';
      },
    },
    now,
  );
};

const siteOf = (config: Config, network: Network, payees: readonly Address[]): Site | undefined => {
  const urls = config.rpcUrls.get(network);
  const token = tokenOf(network);
  if (urls === undefined || token === undefined) return undefined;
  return {
    network,
    urls,
    token: token.address,
    payees,
    confirmations: config.confirmations,
    depth: config.reconcileDepth,
    days: config.reconcileDays,
  };
};

/**
 * Raises `payee_missing` while payments are open to a payee, or on a network, that the configuration does not name: it was dropped too early,
 * and not every backend settles them. Each run raises it again, because an authorization lasts an hour at most.
 */
export const watchPayees = async (
  db: D1Database,
  { payees }: Pick<Config, 'payees'>,
  raise: (alert: AlertBody) => Promise<boolean>,
): Promise<void> => {
  const byPayee = Map.groupBy(
    await promisedOpen(db),
    ({ network, payee }) => `${network} ${payee}`,
  );
  for (const all of byPayee.values()) {
    const [{ network, payee }] = all as [Promised];
    if (payees.get(network)?.includes(payee) === true) continue;
    const payments = all.reduce((sum, { open }) => sum + open, 0);
    const amount = all.reduce((sum, each) => sum + each.amount, 0n).toString();
    console.error({ event: 'payee_missing', network, payee, payments, amount });
    await raise({ rule: 'payee_missing', detail: { network, payee, payments, amount } });
  }
};

/** Percentages of the maximum size that raise an alert. */
const THRESHOLDS = [70, 90] as const;
/** A threshold is armed again this many points below it, so that a size around the threshold raises one alert. */
const HYSTERESIS = 5;

/**
 * Raises `database_size` once each time the database grows past a threshold. D1 reports its size with every answer. The alert is raised
 * before it is recorded: after a crash between the two it is raised again.
 *
 * @param max the size in bytes at which D1 rejects writes
 * @throws Error if the database does not answer
 */
export const watchSize = async (
  db: D1Database,
  max: number,
  raise: (alert: AlertBody) => Promise<boolean>,
): Promise<void> => {
  const { results, meta } = await db
    .prepare('SELECT percent FROM database_alerts')
    .all<{ percent: number }>();
  const used = (100 * meta.size_after) / max;
  const raised = new Set(results.map(({ percent }) => percent));
  for (const percent of THRESHOLDS) {
    if (used >= percent && !raised.has(percent)) {
      if (await raise({ rule: 'database_size', detail: { percent, max } })) {
        await record(db, 'INSERT OR IGNORE INTO database_alerts VALUES (?1)', percent);
      }
    } else if (used < percent - HYSTERESIS && raised.has(percent)) {
      await record(db, 'DELETE FROM database_alerts WHERE percent = ?1', percent);
    }
  }
};

const record = (db: D1Database, sql: string, percent: number): Promise<unknown> =>
  db.prepare(sql).bind(percent).run();
