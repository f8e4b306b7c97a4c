import { max, min } from '../../protocol/amount.ts';

/** What a unit of gas costs now, in wei. */
export type Market = {
  readonly baseFee: bigint;
  readonly tip: bigint;
};

/** What a transaction offers for a unit of gas, in wei (EIP-1559). */
export type Fees = {
  readonly maxFeePerGas: bigint;
  readonly maxPriorityFeePerGas: bigint;
};

/** Near its deadline a payment may cost this many times the operator's limit: losing it would cost all of it. */
const NEAR_TIMES = 4n;

/** The most that a unit of gas may cost, in wei, for payments of which one is near its deadline, or none is. */
export const feeLimit = (maxFeePerGas: bigint, deadline: 'near' | 'far'): bigint =>
  deadline === 'near' ? maxFeePerGas * NEAR_TIMES : maxFeePerGas;

/** Twice the base fee, which full blocks reach in six; undefined when gas is dearer than the limit. */
export const feesFor = ({ baseFee, tip }: Market, limit: bigint): Fees | undefined =>
  baseFee + tip > limit
    ? undefined
    : { maxFeePerGas: min(baseFee * 2n + tip, limit), maxPriorityFeePerGas: tip };

/** What a node takes for a replacement is 10 % more of both; 12.5 % is one block's change of the base fee. */
const raised = (fee: bigint): bigint => fee + max(1n, (fee + 7n) / 8n);

/**
 * Fees of a transaction that replaces another one of the same nonce: both higher by an eighth at least, or what is asked
 * now. Undefined when that is beyond the limit.
 */
export const replacementFees = (old: Fees, market: Market, limit: bigint): Fees | undefined => {
  const least = raised(old.maxFeePerGas);
  if (least > limit || market.baseFee + market.tip > limit) return undefined;
  const tip = max(raised(old.maxPriorityFeePerGas), market.tip);
  const maxFeePerGas = max(least, min(market.baseFee * 2n + tip, limit));
  return { maxFeePerGas, maxPriorityFeePerGas: min(tip, maxFeePerGas) };
};

const TRANSACTION_GAS = 100_000;
const PAYMENT_GAS = 130_000;
/** A wallet that checks its signature in a contract wants more, and may want all it is given. */
const CONTRACT_GAS = 600_000;
const MOST_GAS = 2 ** 24;
/** Sends nothing to nobody. */
export const FILLER_GAS = 21_000n;

/** How many payments fit into half a block, and under the limit of one transaction (EIP-7825). What fits into no block would hold its nonce for ever. */
export const paymentsIn = (blockGas: number): number =>
  Math.max(0, Math.floor((Math.min(blockGas / 2, MOST_GAS) - TRANSACTION_GAS) / PAYMENT_GAS));

/** Gas limit by rule: an estimate for a batch that may fail in part is one with which it does (local-chain facts 2). */
export const gasFor = (payments: number, payer: 'key' | 'contract'): bigint =>
  BigInt(payer === 'key' ? TRANSACTION_GAS + PAYMENT_GAS * payments : CONTRACT_GAS);
