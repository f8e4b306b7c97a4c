import { watchSize } from './audit/database-size.ts';
import { pruneOfferedGrants } from './audit/offered-grants.ts';
import { type Config, gatewayAccount } from './config.ts';
import type { Network } from './protocol/account-id.ts';
import type { Address } from './core/hex.ts';
import { nowSeconds, type Seconds } from './core/clock.ts';
import { raiser } from './raise-alert.ts';
import type { Site } from './settlement/sweep/examine.ts';
import { reconcile } from './settlement/sweep/reconcile.ts';
import { tokenOf } from './protocol/x402/tokens.ts';

/** Runs on the cron trigger: deletes expired offered grants, checks the size of D1, and compares ledger and chain. */
export const runScheduled = async (
  env: Env,
  config: Config,
  now: Seconds = nowSeconds(),
): Promise<void> => {
  await pruneOfferedGrants(env.AUDIT_DB, now);
  const raise = raiser(env);
  const self = gatewayAccount(config);
  try {
    await watchSize(env.AUDIT_DB, config.databaseMax, (alert) => raise(self, alert));
  } catch (cause) {
    console.error({ event: 'database_size_unknown', cause: String(cause) });
  }
  await reconcile(
    {
      db: env.AUDIT_DB,
      sites: config.networks.flatMap((network) => siteOf(config, network) ?? []),
      account: (id) => env.AGENT_ACCOUNT.getByName(id),
      raise: (alert) => raise(self, alert),
    },
    now,
  );
};

const siteOf = (config: Config, network: Network): Site | undefined => {
  const urls = config.rpcUrls.get(network);
  const token = tokenOf(network);
  if (urls === undefined || token === undefined) return undefined;
  return {
    network,
    urls,
    token: token.address,
    payTo: config.payTo.get(network) as Address,
    confirmations: config.confirmations,
    depth: config.reconcileDepth,
    days: config.reconcileDays,
  };
};
