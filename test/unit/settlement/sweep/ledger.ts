import { type AccountId, accountId, type Network } from '../../../../src/protocol/account-id.ts';
import type { Hex } from '../../../../src/core/hex.ts';
import type { AlertBody } from '../../../../src/protocol/alert.ts';
import { reconcile } from '../../../../src/settlement/sweep/reconcile.ts';
import type { ReconcileDeps } from '../../../../src/settlement/sweep/walk.ts';
import type { Site } from '../../../../src/settlement/sweep/examine.ts';
import { db } from '../../audit/database.ts';
import { PAY_TO, RPC, timeOf, TOKEN } from './node.ts';

export const NETWORK: Network = 'eip155:84532';

export type LedgerFate =
  | { readonly state: 'open' }
  | { readonly state: 'failed' | 'released'; readonly amount: bigint }
  | {
      readonly state: 'settled';
      readonly amount: bigint;
      readonly block: number;
      readonly transaction: Hex;
    };

/** Writes the rows of a call and its payment, as the consumer does. */
export const enter = async (
  from: Hex,
  call: Hex,
  acceptedAt: number,
  fate: LedgerFate,
  payee: Hex = PAY_TO,
): Promise<void> => {
  const account = accountId(NETWORK, from);
  const settled = fate.state === 'settled' ? fate : undefined;
  const [amount, at] = fate.state === 'open' ? [null, null] : [Number(fate.amount), acceptedAt + 5];
  await db
    .prepare(
      `INSERT INTO calls (account, call, state, price, payee, accepted_at, first_seq, segment, seq, payment, amount, transaction_hash, block, payment_at)
       VALUES (?1, ?2, 'committed', 1, ?3, ?4, 1, 0, 1, ?5, ?6, ?7, ?8, ?9)`,
    )
    .bind(
      ...[account, call, payee, acceptedAt, fate.state, amount],
      ...[settled?.transaction ?? null, settled?.block ?? null, at],
    )
    .run();
};

export const site = (changes: Partial<Site> = {}): Site => ({
  network: NETWORK,
  urls: [RPC],
  confirmations: 1,
  token: TOKEN,
  payees: [PAY_TO],
  depth: 10,
  days: 1,
  ...changes,
});

/** Runs the reconciliation, and records the alerts and rechecks that it requested. */
export const sweeping = (changes: Partial<ReconcileDeps> = {}) => {
  const looks: { account: AccountId; calls: readonly Hex[] }[] = [];
  const alerts: AlertBody[] = [];
  const deps: ReconcileDeps = {
    db,
    sites: [site()],
    account: (account) => ({
      recheck: async (calls) => {
        looks.push({ account, calls });
        return { verdict: 'rechecking', calls };
      },
    }),
    raise: async (alert) => {
      alerts.push(alert);
      return true;
    },
    ...changes,
  };
  return { looks, alerts, run: (now: number) => reconcile(deps, now) };
};

/** The time at which every block up to this one is old enough to compare. */
export const wellAfter = (block: number): number => timeOf(block) + 901;

export type DifferenceRow = Readonly<Record<string, string | number | null>>;

export const differences = async (open = true): Promise<readonly DifferenceRow[]> => {
  const { results } = await db
    .prepare(
      `SELECT * FROM differences ${open ? 'WHERE resolved_at IS NULL' : ''} ORDER BY block, subject, kind`,
    )
    .all<DifferenceRow>();
  return results;
};

export const runs = async (): Promise<readonly DifferenceRow[]> => {
  const { results } = await db
    .prepare('SELECT * FROM reconciliations ORDER BY at, kind')
    .all<DifferenceRow>();
  return results;
};

export const emptyTables = async (): Promise<void> => {
  await db.batch(
    ['calls', 'sweeps', 'reconciliations', 'differences'].map((table) =>
      db.prepare(`DELETE FROM ${table}`),
    ),
  );
};
