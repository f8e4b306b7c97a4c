import type { AccountId, Network } from '../protocol/account-id.ts';
import type { Hex } from '../core/hex.ts';
import type { Seconds } from '../core/clock.ts';
import type { Difference } from '../settlement/sweep/difference.ts';
import type { Run } from '../settlement/sweep/cursor.ts';
import { type Asked, attempt, type Page, type Queried } from './page.ts';
import { known } from './call-row.ts';
import { conditions, scan } from './scan.ts';

/** What the sweep has compared, newest first. */
export const listReconciliations = (
  db: D1Database,
  { network, ...asked }: { readonly network?: Network | undefined } & Asked,
): Queried<Page<Run>> =>
  attempt(() =>
    scan(
      db,
      {
        list: 'reconciliations',
        index: 'reconciliations r',
        key: ['r.at', 'r.network', 'r.kind'],
        shape: ['number', 'string', 'string'],
        within: [],
        range: { least: 0 },
        columns: 'r.*',
        joins: '',
        filters: conditions({ 'r.network = ?': network }),
        placeOf: ({ at, network: on, kind }) => [at, on, kind],
      },
      asked,
      runOf,
    ),
  );

/** A difference, and what has become of it. */
export type DifferenceItem = Difference & {
  readonly firstAt: Seconds;
  readonly seenAt: Seconds;
  readonly resolvedAt?: Seconds;
};

export type DifferenceFilter = {
  readonly state?: 'open' | 'resolved' | 'all' | undefined;
  readonly network?: Network | undefined;
};

/** What ledger and chain do not agree about, by when it was first seen, newest first. */
export const listDifferences = (
  db: D1Database,
  { state = 'open', network, ...asked }: DifferenceFilter & Asked,
): Queried<Page<DifferenceItem>> =>
  attempt(() =>
    scan(
      db,
      {
        list: 'differences',
        index: 'differences d INDEXED BY differences_by_time',
        key: ['d.first_at', 'd.network', 'd.subject', 'd.kind'],
        shape: ['number', 'string', 'string', 'string'],
        within: [],
        range: { least: 0 },
        columns: 'd.*',
        joins: '',
        filters: [
          ...(state === 'all'
            ? []
            : [[`d.resolved_at IS ${state === 'open' ? '' : 'NOT '}NULL`] as const]),
          ...conditions({ 'd.network = ?': network }),
        ],
        placeOf: (row) => [row.first_at, row.network, row.subject, row.kind],
      },
      asked,
      differenceOf,
    ),
  );

type RunRow = Pick<Run, 'at' | 'network' | 'kind' | 'state' | 'differences'> & {
  readonly from_block: number;
  readonly to_block: number;
  readonly chain_payments: number;
  readonly chain_amount: string;
  readonly ledger_payments: number;
  readonly ledger_amount: string;
};

const runOf = (row: RunRow): Run => ({
  at: row.at,
  network: row.network,
  kind: row.kind,
  state: row.state,
  from: row.from_block,
  to: row.to_block,
  chain: { payments: row.chain_payments, amount: BigInt(row.chain_amount) },
  ledger: { payments: row.ledger_payments, amount: BigInt(row.ledger_amount) },
  differences: row.differences,
});

type DifferenceRow = Pick<Difference, 'network' | 'subject' | 'kind' | 'block' | 'ledger'> & {
  readonly account: AccountId;
  readonly informational: 0 | 1;
  readonly call: Hex | null;
  readonly transaction_hash: Hex | null;
  readonly log: number | null;
  readonly chain_amount: string | null;
  readonly ledger_amount: string | null;
  readonly ledger_transaction: Hex | null;
  readonly ledger_block: number | null;
  readonly first_at: number;
  readonly seen_at: number;
  readonly resolved_at: number | null;
};

const differenceOf = (row: DifferenceRow): DifferenceItem => ({
  ...{ network: row.network, subject: row.subject, kind: row.kind, block: row.block },
  ...{ account: row.account, informational: row.informational === 1, ledger: row.ledger },
  ...{ firstAt: row.first_at, seenAt: row.seen_at },
  ...known({
    call: row.call,
    transaction: row.transaction_hash,
    log: row.log,
    chain: row.chain_amount === null ? null : BigInt(row.chain_amount),
    ledgerAmount: row.ledger_amount === null ? null : BigInt(row.ledger_amount),
    ledgerTransaction: row.ledger_transaction,
    ledgerBlock: row.ledger_block,
    resolvedAt: row.resolved_at,
  }),
});
