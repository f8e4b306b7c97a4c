import type { Address, Hex } from '../../core/hex.ts';
import { addressWord, amountWord, AUTHORIZATION_USED, TRANSFER } from './token-calls.ts';

/** What to look for on the chain: one payment. */
export type Look = {
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
};

/**
 * A payment accepted at a block may turn out to have settled some blocks below it: a small reorganisation puts its transaction
 * into an earlier one. That is no old payment shown again: a nonce is one call, and payTo is used by nothing else.
 */
export const REORG_MARGIN = 64;

/** The earliest block in which a settlement counts for a payment. */
export const earliestBlock = ({ sinceBlock }: Look): number =>
  Math.max(0, sinceBlock - REORG_MARGIN);

export type Log = {
  readonly address: Address;
  readonly topics: readonly Hex[];
  readonly data: Hex;
  readonly index: number;
};

export type Receipt = {
  readonly succeeded: boolean;
  readonly block: number;
  readonly transaction: Hex;
  readonly logs: readonly Log[];
};

/**
 * What a transaction did with a payment (law 5). `settled`: the `AuthorizationUsed(payer, nonce)` log of the token is
 * followed, as the next log of the same token, by `Transfer(payer, payTo, exactly value)`, in a block not older than
 * acceptance by more than `REORG_MARGIN`. `spent_otherwise`: the nonce was used for something else. `absent`: the transaction did not use it.
 * Who sent the transaction does not matter.
 */
export type Judgement = 'settled' | 'spent_otherwise' | 'absent';

export const judge = (look: Look, receipt: Receipt): Judgement => {
  if (!receipt.succeeded) return 'absent';
  // Only the token's own logs, in the order of execution: any contract can emit logs that look like a payment.
  const logs = receipt.logs
    .filter((log) => log.address === look.token)
    .toSorted((one, other) => one.index - other.index);
  const used = logs.findIndex((log) =>
    hasTopics(log, [AUTHORIZATION_USED, addressWord(look.payer), look.nonce]),
  );
  if (used < 0) return 'absent';
  if (receipt.block < earliestBlock(look)) return 'spent_otherwise';
  // Adjacency gives each Transfer to one authorization: a twin of equal payer, payee and value in the same transaction
  // (Multicall3), or a plain transfer next to a nonce spent on oneself, cannot count for two payments (design §6).
  const next = logs[used + 1];
  const moved =
    next !== undefined &&
    hasTopics(next, [TRANSFER, addressWord(look.payer), addressWord(look.payTo)]) &&
    next.data === amountWord(look.value);
  return moved ? 'settled' : 'spent_otherwise';
};

/** Whether a block, itself included, has as many blocks on it as make it final. */
export const isFinal = (block: number, headBlock: number, confirmations: number): boolean =>
  headBlock - block + 1 >= confirmations;

const hasTopics = (log: Log, topics: readonly Hex[]): boolean =>
  log.topics.length === topics.length && topics.every((topic, at) => log.topics[at] === topic);
