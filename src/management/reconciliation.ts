import type { Seconds } from '../core/clock.ts';
import type { Hex } from '../core/hex.ts';
import { withoutUndefined } from '../core/without-undefined.ts';
import type { Handler, Handlers } from './handler.ts';
import { attempt, type ListPage, type PageRequest, type Queried, withoutNulls } from './page.ts';
import type { RECONCILIATION_ROUTES } from './reconciliation.route.ts';
import { queryReason, refuse, replyPage } from './reply.ts';
import type { AnswerOf } from './routes.ts';
import { conditions, scan } from './scan.ts';
import type { AccountId, Network } from '../protocol/account-id.ts';
import type { Sum } from '../settlement/sweep/compare.ts';
import type { Run } from '../settlement/sweep/cursor.ts';
import type { Difference } from '../settlement/sweep/difference.ts';

/** Lists reconciliation runs, newest first. */
export const listReconciliations = (
  db: D1Database,
  { network, ...page }: { readonly network?: Network | undefined } & PageRequest,
): Queried<ListPage<Run>> =>
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
      page,
      runOf,
    ),
  );

/** A difference between ledger and chain, and when it was seen. */
export type DifferenceItem = Difference & {
  readonly firstAt: Seconds;
  readonly seenAt: Seconds;
  readonly resolvedAt?: Seconds;
};

export type DifferenceFilter = {
  readonly state?: 'open' | 'resolved' | 'all' | undefined;
  readonly network?: Network | undefined;
};

/** Lists differences by the time they were first seen, newest first. */
export const listDifferences = (
  db: D1Database,
  { state = 'open', network, ...page }: DifferenceFilter & PageRequest,
): Queried<ListPage<DifferenceItem>> =>
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
      page,
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
  ...withoutNulls({
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

const list: Handler<'reconciliations.list'> = async ({ context, query, request }) => {
  const found = await listReconciliations(context.db, query);
  if (!found.ok) return refuse(queryReason(found.error));
  const items = found.value.items.map(
    ({ from, to, chain, ledger, ...run }): AnswerOf<'reconciliations.list'>['items'][number] => ({
      ...run,
      ...{ from_block: from, to_block: to, chain: sumOf(chain), ledger: sumOf(ledger) },
    }),
  );
  return replyPage(request, { items, next: found.value.next });
};

const sumOf = ({ payments, amount }: Sum) => ({ payments, amount: amount.toString() });

const differences: Handler<'differences.list'> = async ({ context, query, request }) => {
  const found = await listDifferences(context.db, query);
  if (!found.ok) return refuse(queryReason(found.error));
  return replyPage(request, { items: found.value.items.map(itemOf), next: found.value.next });
};

const itemOf = (item: DifferenceItem): AnswerOf<'differences.list'>['items'][number] => ({
  ...{ network: item.network, kind: item.kind, informational: item.informational },
  ...{ account: item.account, block: item.block, first_at: item.firstAt, seen_at: item.seenAt },
  ...withoutUndefined({
    call: item.call,
    transaction: item.transaction,
    log: item.log,
    amount: item.chain?.toString(),
    resolved_at: item.resolvedAt,
  }),
  ledger: {
    state: item.ledger,
    ...withoutUndefined({
      amount: item.ledgerAmount?.toString(),
      transaction: item.ledgerTransaction,
      block: item.ledgerBlock,
    }),
  },
});

export const reconciliationHandlers: Handlers<keyof typeof RECONCILIATION_ROUTES> = {
  'reconciliations.list': list,
  'differences.list': differences,
};
