import type { Address, Hex } from '../../core/hex.ts';
import type { Payment } from '../../protocol/payment.ts';
import { addressWord, amountWord, AUTHORIZATION_USED, TRANSFER } from './token-calls.ts';

/** The transfer that settles one payment. */
export type ExpectedTransfer = {
  readonly token: Address;
  readonly payer: Address;
  readonly payTo: Address;
  /** Atomic units. */
  readonly value: bigint;
  readonly nonce: Hex;
  /** Unix seconds. */
  readonly validBefore: bigint;
  /** The newest block known when the call was accepted. */
  readonly sinceBlock: number;
  /** The only sender of a Permit2 permit's settlement. Absent for EIP-3009, which anyone can settle. */
  readonly facilitator?: Address;
};

/** The transfer that settles a payment which was accepted when `sinceBlock` was the newest block known. */
export const expectedTransfer = (
  {
    token,
    authorization,
    permit,
    charge,
  }: Pick<Payment, 'token' | 'authorization' | 'permit' | 'charge'>,
  sinceBlock: number,
): ExpectedTransfer => ({
  token: token.address,
  payer: authorization.from,
  payTo: authorization.to,
  value: charge ?? authorization.value,
  nonce: authorization.nonce,
  validBefore: authorization.validBefore,
  sinceBlock,
  ...(permit === undefined ? {} : { facilitator: permit.facilitator }),
});

/**
 * A small reorganisation can move a settlement some blocks below the block of acceptance. Accepting such a block is safe: a nonce is one
 * call, and `payTo` is used by nothing but this gateway.
 */
export const REORG_MARGIN = 64;

/** The earliest block in which a settlement counts for a payment. */
export const earliestBlock = ({ sinceBlock }: ExpectedTransfer): number =>
  Math.max(0, sinceBlock - REORG_MARGIN);

/** The log of a token, as far as it decides about a payment. */
export type TokenLog = {
  readonly address: Address;
  readonly topics: readonly Hex[];
  readonly data: Hex;
  readonly logIndex: number;
};

export type Receipt = {
  readonly succeeded: boolean;
  readonly block: number;
  readonly transaction: Hex;
  readonly logs: readonly TokenLog[];
};

/**
 * The effect of a transaction on a payment (law 5). `settled`: the token's `AuthorizationUsed(payer, nonce)` log is followed, as the next
 * log of the same token, by `Transfer(payer, payTo, exactly value)`, in a block not older than acceptance minus `REORG_MARGIN`.
 * `spent_otherwise`: the transaction used the nonce for something else. `absent`: it did not use the nonce. The sender of the transaction
 * does not matter.
 */
export type TransferFinding = 'settled' | 'spent_otherwise' | 'absent';

export const findTransfer = (payment: ExpectedTransfer, receipt: Receipt): TransferFinding => {
  if (!receipt.succeeded) return 'absent';
  // Only the token's own logs, in order of execution: any contract can emit logs that look like a payment.
  const logs = receipt.logs
    .filter((log) => log.address === payment.token)
    .toSorted((one, other) => one.logIndex - other.logIndex);
  const used = logs.findIndex((log) =>
    hasTopics(log, [AUTHORIZATION_USED, addressWord(payment.payer), payment.nonce]),
  );
  if (used < 0) return 'absent';
  if (receipt.block < earliestBlock(payment)) return 'spent_otherwise';
  // Adjacency assigns each Transfer to one authorization. Otherwise a twin of equal payer, payee and value in the same transaction
  // (Multicall3), or a plain transfer next to a nonce that the payer spent on itself, would count for two payments.
  const following = logs[used + 1];
  const moved =
    following !== undefined &&
    hasTopics(following, [TRANSFER, addressWord(payment.payer), addressWord(payment.payTo)]) &&
    following.data === amountWord(payment.value);
  return moved ? 'settled' : 'spent_otherwise';
};

/**
 * As `findTransfer`, for a transaction that is known to settle this permit: the proxy makes one transfer, and only `facilitator` can send
 * that transaction. A facilitator that moves more than the charge has settled it; the reconciliation shows the difference.
 */
export const findPermitTransfer = (
  payment: ExpectedTransfer,
  receipt: Receipt,
): TransferFinding => {
  if (!receipt.succeeded) return 'absent';
  const transfer = receipt.logs.find(
    (log) =>
      log.address === payment.token &&
      hasTopics(log, [TRANSFER, addressWord(payment.payer), addressWord(payment.payTo)]),
  );
  if (transfer === undefined) return 'absent';
  const isCharged = transfer.data.length === 66 && BigInt(transfer.data) >= payment.value;
  return isCharged && receipt.block >= earliestBlock(payment) ? 'settled' : 'spent_otherwise';
};

/** Whether a block is final: it and the blocks on top of it are at least `confirmations`. */
export const isFinal = (block: number, headBlock: number, confirmations: number): boolean =>
  headBlock - block + 1 >= confirmations;

const hasTopics = (log: TokenLog, topics: readonly Hex[]): boolean =>
  log.topics.length === topics.length && topics.every((topic, at) => log.topics[at] === topic);
