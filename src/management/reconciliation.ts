import {
  type DifferenceItem,
  listDifferences,
  listReconciliations,
} from './reconciliation-query.ts';
import type { Sum } from '../settlement/sweep/compare.ts';
import type { Handler } from './handler.ts';
import type { AnswerOf } from './types.ts';
import { present, queryReason, refuse, replyPage } from './reply.ts';

/** What the sweep has compared of ledger and chain. */
export const list: Handler<'reconciliations.list'> = async ({ context, query, request }) => {
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

/** What they do not agree about. */
export const differences: Handler<'differences.list'> = async ({ context, query, request }) => {
  const found = await listDifferences(context.db, query);
  if (!found.ok) return refuse(queryReason(found.error));
  return replyPage(request, { items: found.value.items.map(itemOf), next: found.value.next });
};

const itemOf = (item: DifferenceItem): AnswerOf<'differences.list'>['items'][number] => ({
  ...{ network: item.network, kind: item.kind, informational: item.informational },
  ...{ account: item.account, block: item.block, first_at: item.firstAt, seen_at: item.seenAt },
  ...present({
    call: item.call,
    transaction: item.transaction,
    log: item.log,
    amount: item.chain?.toString(),
    resolved_at: item.resolvedAt,
  }),
  ledger: {
    state: item.ledger,
    ...present({
      amount: item.ledgerAmount?.toString(),
      transaction: item.ledgerTransaction,
      block: item.ledgerBlock,
    }),
  },
});
