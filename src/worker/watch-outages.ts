import { raiser } from '../webhooks/alerts.ts';
import { type Config, gatewayAccount } from '../config/config.ts';
import type { Seconds } from '../core/clock.ts';
import type { OutageRule } from '../protocol/alert.ts';
import { settlingOf } from './settling.ts';
import { chainOutages } from '../outages/chains.ts';
import { backendOutages } from '../outages/facilitators.ts';
import { queueOutages } from '../outages/queues.ts';
import { type Outage, recordOutages } from '../outages/record-outages.ts';
import { upstreamOutages } from '../outages/upstreams.ts';

/**
 * Checks for outages, and raises an alert for each that began or ended. A check that fails changes nothing for its rule, and does not stop
 * the other checks.
 */
export const watchOutages = async (env: Env, config: Config, now: Seconds): Promise<void> => {
  const db = env.AUDIT_DB;
  const raise = raiser(env);
  const looks: { readonly [rule in OutageRule]: () => Promise<readonly Outage[]> } = {
    facilitator_away: async () => backendOutages(db, config, settlingOf(env, config).backends, now),
    chain_stuck: async () => chainOutages(config, now),
    upstream_failing: async () => upstreamOutages(db, now),
    queue_late: async () => queueOutages(env, now),
    // This run itself shows that the trigger works.
    cron_missed: async () => [],
  };
  await Promise.all(
    (Object.keys(looks) as OutageRule[]).map(async (rule) => {
      try {
        const found = await looks[rule]();
        await recordOutages(db, rule, found, (alert) => raise(gatewayAccount(config), alert), now);
      } catch (cause) {
        console.error({ event: 'outages_unknown', rule, cause: String(cause) });
      }
    }),
  );
};
