import { type AccountId, type AssetId, parseAccountId } from '../../../src/protocol/account-id.ts';
import { link } from '../../../src/audit/entry.ts';
import { adjust } from './adjust.ts';
import type { Applied } from '../../../src/protocol/account/applied.ts';
import type { Order } from '../../../src/protocol/account/command.ts';
import { type Context, type Decision, unchanged } from '../decision.ts';
import { evidenceOf } from './ordered.ts';
import { max, MAX_STORED } from '../../../src/protocol/amount.ts';
import { type AccountState, type Purse, purseOf, withPurse } from '../state.ts';

/**
 * Credit on its way between this account and one other, in one asset: totals that only grow, so that a message which is lost, late,
 * repeated or out of order moves nothing twice (design §5, as leases do). A row of `transfers`; atomic units.
 */
export type Transfer = {
  /** The other account; or, for what an operator has paid back, the chain's Transfer log. */
  readonly peer: string;
  readonly asset: AssetId;
  /** What this account has paid for and given to `peer`, and how much of it `peer` has acknowledged. */
  readonly sent: bigint;
  readonly acknowledged: bigint;
  /** What came from `peer`. */
  readonly received: bigint;
};

export const noTransfer = (peer: string, asset: AssetId): Transfer => ({
  peer,
  asset,
  sent: 0n,
  acknowledged: 0n,
  received: 0n,
});

/** One name for both halves of the key: neither holds a space. */
export const keyOf = ({ peer, asset }: Pick<Transfer, 'peer' | 'asset'>): string =>
  `${peer} ${asset}`;

/** Whether the other side must hear of it (again). */
export const isPending = ({ sent, acknowledged }: Transfer): boolean => sent > acknowledged;

/** Adds to what the other side is owed. The outbox sends it until the other side has committed it (law 5). */
export const sendMore = (
  context: Context,
  peer: AccountId,
  asset: AssetId,
  amount: bigint,
): Transfer => {
  const known = context.transferWith(peer, asset);
  return { ...known, sent: known.sent + amount };
};

/** The other side has committed everything up to `total`. A lower total is an old message and says nothing. */
export const acknowledgeTransfer = (
  state: AccountState,
  peer: string,
  asset: AssetId,
  total: bigint,
  context: Context,
): Decision<{ readonly verdict: 'ok' }> => {
  const known = context.transferWith(peer, asset);
  const verdict = { verdict: 'ok' } as const;
  if (total <= known.acknowledged || total > known.sent) return unchanged(state, verdict);
  return {
    state,
    records: [],
    loose: [],
    transfers: [{ ...known, acknowledged: total }],
    durable: true,
    verdict,
  };
};

/** Takes an order that is no call: credit from another account, or the record of a refund. Pure, and idempotent by its totals. */
export const applyOrder = (
  state: AccountState,
  order: Order,
  context: Context,
): Decision<Applied> => {
  switch (order.kind) {
    case 'credit':
      return receive(state, order, context);
    case 'refund':
      return recordRefund(state, order, context);
    case 'adjust':
      return adjust(state, order, context);
    // A newer Worker may know kinds that this object does not: it must not be heard as one of these.
    default:
      return unchanged(state, UNAVAILABLE);
  }
};

const UNAVAILABLE: Applied = { verdict: 'unavailable' };

const receive = (
  state: AccountState,
  { from, asset, total }: Extract<Order, { readonly kind: 'credit' }>,
  context: Context,
): Decision<Applied> => {
  // Totals are kept by the sender's name: without one, another account's total would count again.
  if (parseAccountId(from) === undefined) return unchanged(state, UNAVAILABLE);
  const known = context.transferWith(from, asset);
  const purse = purseOf(state, asset);
  // A message that was overtaken by a later one: its amount is part of the later total.
  if (total <= known.received) return unchanged(state, { verdict: 'known', credit: purse.credit });
  const amount = total - known.received;
  // Storage could not count it, and the commit that tried would fail for everybody in its group.
  if (max(total, purse.credit + amount) > MAX_STORED) return unchanged(state, UNAVAILABLE);
  const credited: Purse = { ...purse, credit: purse.credit + amount };
  return apply(state, { ...known, received: total }, credited, context, {
    type: 'credit.received',
    at: context.now,
    amounts: { amount: amount.toString(), total: total.toString() },
    payment: { asset, from },
  });
};

/**
 * The operator has paid credit back on chain. What the chain moved is recorded even where the credit has been spent meanwhile: the
 * rest is then a debt, which is what the agent got twice. One Transfer log is recorded once.
 */
const recordRefund = (
  state: AccountState,
  order: Extract<Order, { readonly kind: 'refund' }>,
  context: Context,
): Decision<Applied> => {
  const { asset, amount, transaction, place, block } = order;
  const known = context.transferWith(`${transaction}#${place}`, asset);
  const purse = purseOf(state, asset);
  if (known.received > 0n) return unchanged(state, { verdict: 'known', credit: purse.credit });
  const refunded: Purse = {
    ...purse,
    credit: purse.credit - amount,
    // Law 7: what went back to the payer is not what it has paid us.
    settled: max(0n, purse.settled - amount),
  };
  return apply(state, { ...known, received: amount }, refunded, context, {
    type: 'credit.refunded',
    at: context.now,
    evidence: evidenceOf(order.order, order.by),
    amounts: { amount: amount.toString() },
    payment: { asset, transaction, block, log: place },
  });
};

const apply = (
  state: AccountState,
  transfer: Transfer,
  purse: Purse,
  context: Context,
  body: Parameters<typeof link>[3],
): Decision<Applied> => {
  const { entry, head } = link(state.head, state.account, context.salt(), body);
  return {
    state: { ...withPurse(state, transfer.asset, purse), head },
    records: [],
    loose: [entry],
    transfers: [transfer],
    durable: true,
    verdict: { verdict: 'applied', credit: purse.credit },
  };
};
