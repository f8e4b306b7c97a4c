import type { Address, Hex } from '../../core/hex.ts';
import type { ChainLog } from '../chain/query.ts';
import { AUTHORIZATION_USED, TRANSFER } from '../chain/token-calls.ts';

/** Money that the chain moved to us because somebody had signed for it. */
export type ChainPayment = {
  readonly payer: Address;
  readonly nonce: Hex;
  /** Atomic units. */
  readonly amount: bigint;
  readonly transaction: Hex;
  readonly block: number;
};

/** Money that came without an authorization: a plain transfer. */
export type Unsolicited = Omit<ChainPayment, 'nonce'> & { readonly log: number };

export type Movements = {
  readonly payments: readonly ChainPayment[];
  readonly unsolicited: readonly Unsolicited[];
};

/**
 * Pairs each Transfer to us with the `AuthorizationUsed` log of its payer that stands right before it in its transaction, as `judge`
 * does: so one Transfer serves one payment, and twins in one transaction are told apart. A token writes the two without a call in
 * between, so that no other contract's log can stand there. Transfers of nothing, which anybody can have sent by anybody, are no news.
 *
 * @param used the logs of the same blocks and payers; those of payments to others find no Transfer to us.
 */
export const pair = (transfers: readonly ChainLog[], used: readonly ChainLog[]): Movements => {
  const authorizations = new Map(
    used
      .filter(({ topics }) => topics[0] === AUTHORIZATION_USED && topics.length === 3)
      .map((log) => [placeOf(log, log.logIndex), log]),
  );
  const payments: ChainPayment[] = [];
  const unsolicited: Unsolicited[] = [];
  // A node that gives a log twice has not seen it twice.
  const seen = new Map(transfers.map((log) => [placeOf(log, log.logIndex), log]));
  const inOrder = [...seen.values()].toSorted(
    (one, other) => one.blockNumber - other.blockNumber || one.logIndex - other.logIndex,
  );
  for (const log of inOrder) {
    const [topic, from] = log.topics;
    if (topic !== TRANSFER || from === undefined || log.data.length !== 66) continue;
    const amount = BigInt(log.data);
    if (amount === 0n) continue;
    const authorization = authorizations.get(placeOf(log, log.logIndex - 1));
    const nonce = authorization?.topics[1] === from ? authorization.topics[2] : undefined;
    const { transactionHash: transaction, blockNumber: block } = log;
    const moved = { payer: `0x${from.slice(26)}`, amount, transaction, block } as const;
    if (nonce === undefined) unsolicited.push({ ...moved, log: log.logIndex });
    else payments.push({ ...moved, nonce });
  }
  return { payments, unsolicited };
};

/** Where a log stands; an index counts within its block. */
const placeOf = ({ blockNumber, transactionHash }: ChainLog, index: number): string =>
  `${blockNumber} ${transactionHash} ${index}`;
