import type { AccountId, AssetId } from '../../../src/protocol/account-id.ts';
import { type Context, type Decision, unchanged } from '../decision.ts';
import type { AccountState } from '../state.ts';

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
