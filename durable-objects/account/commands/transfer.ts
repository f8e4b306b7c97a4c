import type { AccountId, AssetId } from '../../../src/protocol/account-id.ts';
import { toStored } from '../../../src/protocol/amount.ts';
import { type Noun, put, type Write } from '../../store/noun.ts';
import type { Reader } from '../../store/query.ts';
import { type Decision, unstored } from '../decision.ts';
import type { AccountState } from '../state.ts';

/**
 * Credit on its way between this account and another one, in one asset: totals that only grow, so that a message which is lost, late,
 * repeated or out of order moves nothing twice. Atomic units.
 */
export type Transfer = {
  /** The other account; for a refund by an operator, the chain's Transfer log or the refunded call. */
  readonly peer: string;
  readonly asset: AssetId;
  /** Credit that this account has paid for and sent to `peer`, and how much of it `peer` has acknowledged. */
  readonly sent: bigint;
  readonly acknowledged: bigint;
  /** Credit received from `peer`; for a refund, its amount or the total of the call's refunds. */
  readonly received: bigint;
};

type Stored = Pick<Transfer, 'peer' | 'asset'> &
  Readonly<Record<'sent' | 'acknowledged' | 'received', number>>;

/** A space separates the halves of the key, because neither contains one. */
export const transferKey = ({ peer, asset }: Pick<Transfer, 'peer' | 'asset'>): string =>
  `${peer} ${asset}`;

/** Whether the other side must get the total (again). */
export const isPending = ({ sent, acknowledged }: Transfer): boolean => sent > acknowledged;

export const TRANSFER: Noun<Transfer, 'pending'> = {
  name: 'transfer',
  key: transferKey,
  encode: ({ peer, asset, sent, acknowledged, received }) =>
    JSON.stringify({
      peer,
      asset,
      sent: toStored(sent),
      acknowledged: toStored(acknowledged),
      received: toStored(received),
    } satisfies Stored),
  decode: (text) => {
    const { sent, acknowledged, received, ...key } = JSON.parse(text) as Stored;
    return {
      ...key,
      sent: BigInt(sent),
      acknowledged: BigInt(acknowledged),
      received: BigInt(received),
    };
  },
  fields: { pending: (transfer) => (isPending(transfer) ? 1 : null) },
};

export const pendingTransfers = (read: Reader): Iterable<Transfer> =>
  read.find(TRANSFER, { where: [['pending', '=', 1]] });

/** Credit sent to and received from another account so far; all zero if none was exchanged. */
export const transferWith = (read: Reader, peer: string, asset: AssetId): Transfer =>
  read.get(TRANSFER, transferKey({ peer, asset })) ?? {
    ...{ peer, asset, sent: 0n, acknowledged: 0n, received: 0n },
  };

/** Adds to what this account owes the other one. The outbox sends it until the other one has committed it (law 5). */
export const sendMore = (read: Reader, peer: AccountId, asset: AssetId, amount: bigint): Write => {
  const known = transferWith(read, peer, asset);
  return put(TRANSFER, { ...known, sent: known.sent + amount });
};

/** The other account has committed everything up to `total`. An older message has a lower total and changes nothing. */
export const acknowledgeTransfer = (
  state: AccountState,
  { peer, asset }: Pick<Transfer, 'peer' | 'asset'>,
  total: bigint,
  read: Reader,
): Decision<{ readonly verdict: 'ok' }> => {
  const known = transferWith(read, peer, asset);
  const verdict = { verdict: 'ok' } as const;
  if (total <= known.acknowledged || total > known.sent) return unstored(state, verdict);
  const writes = [put(TRANSFER, { ...known, acknowledged: total })];
  return { state, writes, entries: [], verdict };
};
