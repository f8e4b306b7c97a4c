import { max, min } from '../../protocol/amount.ts';
import type { Permit } from '../../protocol/payment.ts';

/** The current price of a unit of gas, in wei. */
export type Market = {
  readonly baseFee: bigint;
  readonly tip: bigint;
};

/** The fees of a transaction per unit of gas, in wei (EIP-1559). */
export type Fees = {
  readonly maxFeePerGas: bigint;
  readonly maxPriorityFeePerGas: bigint;
};

/** Near its deadline a payment may cost this many times the operator's limit: missing the deadline loses the whole payment. */
const NEAR_TIMES = 4n;

/** The highest fee per unit of gas, in wei. `near`: a payment is close to its deadline. */
export const feeLimit = (maxFeePerGas: bigint, deadline: 'near' | 'far'): bigint =>
  deadline === 'near' ? maxFeePerGas * NEAR_TIMES : maxFeePerGas;

/** Fees of twice the base fee, which six full blocks reach; undefined if gas is dearer than the limit. */
export const feesFor = ({ baseFee, tip }: Market, limit: bigint): Fees | undefined =>
  baseFee + tip > limit
    ? undefined
    : { maxFeePerGas: min(baseFee * 2n + tip, limit), maxPriorityFeePerGas: tip };

/** Nodes accept a replacement from 10 % more of both fees; 12.5 % is the base fee's largest change per block. */
const raised = (fee: bigint): bigint => fee + max(1n, (fee + 7n) / 8n);

/**
 * Fees of a transaction that replaces another one of the same nonce: both at least an eighth higher, or the current price if that is more.
 * Undefined if they exceed the limit.
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
/** A contract wallet verifies its signature in code, which takes more gas and may use up its whole limit. */
const CONTRACT_GAS = 600_000;
const PERMIT_GAS = 230_000;
const APPROVAL_GAS = 80_000;
const MAX_GAS = 2 ** 24;
/** The gas of a transaction that only uses up a nonce. */
export const FILLER_GAS = 21_000n;

/** How many payments fit into half a block and below the gas limit of a transaction (EIP-7825). A transaction that fits into no block would occupy its nonce forever. */
export const paymentsIn = (blockGas: number): number =>
  Math.max(0, Math.floor((Math.min(blockGas / 2, MAX_GAS) - TRANSACTION_GAS) / PAYMENT_GAS));

/**
 * The gas limit of a permit's settlement, twice what it uses on the local chain: 115,000, the first use of a nonce word included, and 40,000
 * more with an approval (`test/durable-objects/relayer/permits.test.ts`).
 */
export const permitGas = (
  { approval }: Pick<Permit, 'approval'>,
  payer: 'key' | 'contract',
): bigint => {
  if (payer === 'contract') return BigInt(CONTRACT_GAS);
  return BigInt(approval === undefined ? PERMIT_GAS : PERMIT_GAS + APPROVAL_GAS);
};

/** The gas limit, by rule. Trap: `eth_estimateGas` for a batch with allowFailure returns the smallest limit that succeeds, with which calls of the batch fail. */
export const gasFor = (payments: number, payer: 'key' | 'contract'): bigint =>
  BigInt(payer === 'key' ? TRANSACTION_GAS + PAYMENT_GAS * payments : CONTRACT_GAS);
