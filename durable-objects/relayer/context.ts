import type { Seconds } from '../../src/core/clock.ts';
import type { AccountId } from '../../src/protocol/account-id.ts';
import type { SettlementResult } from '../../src/protocol/payment.ts';
import type { Node } from '../../src/settlement/relayer/node.ts';
import { type Emit, openEmit } from '../../src/settlement/telemetry.ts';
import type { Disk } from '../store/disk.ts';
import type { Memory } from './memory.ts';
import type { ReportRecord } from './report-record.ts';
import type { Setup } from './setup.ts';
import { objectOf } from '../../src/protocol/jurisdiction.ts';

/** The subscribers of the relayer's results. Each call may fail; then the relayer repeats it. */
export type Subscribers = {
  /** Sends an account its results. @returns whether the account has stored them. */
  readonly notify: (account: AccountId, results: readonly SettlementResult[]) => Promise<boolean>;
  /** Writes a final transaction to the D1 table `relays`. */
  readonly recordRelay: (report: ReportRecord) => Promise<void>;
  /** Raises the alert that the key runs out of gas. @returns whether the gateway's account has recorded it. */
  readonly alertLowGas: (detail: Readonly<Record<string, string | number>>) => Promise<boolean>;
  readonly emit: Emit;
};

/** Everything that a step of the relayer works with. */
export type RelayerContext = {
  readonly setup: Setup;
  readonly node: Node;
  readonly disk: Disk;
  readonly memory: Memory;
  readonly subscribers: Subscribers;
  readonly now: () => Seconds;
};

/** Opens the subscribers that the bindings reach. */
export const openSubscribers = (env: Env, { network, gateway }: Setup): Subscribers => ({
  // A fresh stub per call: a stub that has thrown stays broken.
  notify: async (account, results) =>
    (await objectOf(env, env.AGENT_ACCOUNT, account).settled(results)).verdict === 'ok',
  async recordRelay({ hash, block, at, payments, gasUsed, fee }) {
    const day = new Date(at * 1000).toISOString().slice(0, 10);
    await env.AUDIT_DB.prepare(
      `INSERT INTO relays (network, transaction_hash, day, at, block, payments, gas_used, fee)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
    )
      .bind(network, hash, day, at, block, payments, gasUsed, fee.toString())
      .run();
  },
  async alertLowGas(detail) {
    const alert = { rule: 'gas', detail } as const;
    const { verdict } = await objectOf(env, env.AGENT_ACCOUNT, gateway).apply({
      kind: 'alert',
      alert,
    });
    if (verdict === 'refused') console.error({ event: 'alert_refused', ...alert });
    return verdict !== 'unavailable';
  },
  emit: openEmit(env),
});
