import { openEmit } from '../../src/settlement/telemetry.ts';
import type { Audience } from './desk.ts';
import type { Setup } from './setup.ts';

/** Accounts, books and operators, as the bindings reach them. */
export const openAudience = (env: Env, { network, gateway }: Setup): Audience => ({
  // A fresh stub each time: one that has thrown stays broken (platform facts 1.4).
  tell: async (account, results) =>
    (await env.AGENT_ACCOUNT.getByName(account).settled(results)).verdict === 'ok',
  async book({ hash, block, at, payments, gasUsed, fee }) {
    const day = new Date(at * 1000).toISOString().slice(0, 10);
    await env.AUDIT_DB.prepare(
      `INSERT INTO relays (network, transaction_hash, day, at, block, payments, gas_used, fee)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    )
      .bind(network, hash, day, at, block, payments, gasUsed, fee.toString())
      .run();
  },
  async warn(detail) {
    const alert = { rule: 'gas', detail } as const;
    const { verdict } = await env.AGENT_ACCOUNT.getByName(gateway).apply({ kind: 'alert', alert });
    if (verdict === 'refused') console.error({ event: 'alert_refused', ...alert });
    return verdict !== 'unavailable';
  },
  emit: openEmit(env),
});
