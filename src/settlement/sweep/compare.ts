import { type Address, ZERO_ADDRESS } from '../../core/hex.ts';
import { type Network, parseAccountId } from '../../protocol/account-id.ts';
import type { ExpectedTransfer } from '../chain/expected-transfer.ts';
import type { Observation } from '../chain/observation.ts';
import type { Blocks } from './blocks.ts';
import {
  chainDifference,
  type Difference,
  ledgerDifference,
  unsolicitedDifference,
} from './difference.ts';
import { keyOf, ledgerKey, type LedgerPayment } from './ledger.ts';
import type { Movements } from './window.ts';

/** The payments that one side has moved. */
export type Sum = { readonly payments: number; readonly amount: bigint };

export const NOTHING: Sum = { payments: 0, amount: 0n };

export const plus = (one: Sum, other: Sum): Sum => ({
  payments: one.payments + other.payments,
  amount: one.amount + other.amount,
});

type SettledPayment = LedgerPayment & { readonly block: number };

/** Both sides of some blocks, before the chain is searched for payments that are missing in these blocks. */
export type Comparison = {
  readonly differences: readonly Difference[];
  /** Settled in these blocks by the ledger, and not in the logs. */
  readonly unmatched: readonly SettledPayment[];
  /** The payments with an authorization; unsolicited transfers are in no sum. */
  readonly chain: Sum;
  readonly ledger: Sum;
};

/**
 * Compares the chain's payments of some blocks with the ledger's. Pure. Both sums are equal if nothing differs.
 *
 * @param known the ledger's records of the chain's payments, and the payments that it has settled in these blocks; a payment may be in both.
 */
export const compare = (
  network: Network,
  { from, to }: Blocks,
  { payments, unsolicited }: Movements,
  known: readonly LedgerPayment[],
): Comparison => {
  const ledger = new Map(known.map((each) => [keyOf(each), each]));
  const moved = new Map(payments.map((each) => [keyOf(ledgerKey(network, each)), each]));
  const settled = [...ledger.values()].filter(
    (each): each is SettledPayment =>
      each.state === 'settled' &&
      each.block !== undefined &&
      from <= each.block &&
      each.block <= to,
  );
  return {
    differences: [
      ...payments.flatMap(
        (each) => chainDifference(network, each, ledger.get(keyOf(ledgerKey(network, each)))) ?? [],
      ),
      ...unsolicited.map((each) => unsolicitedDifference(network, each)),
    ],
    // Include a payment that the chain has in another block: the result must not depend on which blocks are compared together.
    unmatched: settled.filter((each) => moved.get(keyOf(each))?.block !== each.block),
    chain: sumOf(payments),
    ledger: sumOf(settled),
  };
};

const sumOf = (payments: readonly { readonly amount?: bigint }[]): Sum => ({
  payments: payments.length,
  amount: payments.reduce((sum, { amount = 0n }) => sum + amount, 0n),
});

/** Blocks below the ledger's block that are searched: a reorganisation may move a payment into an earlier block. */
const EARLIER = 1_024;
/** The longest authorization that the gateway accepts, in seconds after acceptance. */
const LONGEST = 3_660;

/** The transfer to look for, for a payment that the chain does not have in the ledger's block. */
export const transferOf = (
  known: SettledPayment,
  token: Address,
  [first = ZERO_ADDRESS]: readonly Address[],
): ExpectedTransfer => ({
  token,
  payer: parseAccountId(known.account)?.address ?? ZERO_ADDRESS,
  // The operator may have changed the payee since, and dropped the former one.
  payTo: known.payee ?? first,
  value: known.amount ?? 0n,
  nonce: known.call,
  validBefore: BigInt(known.acceptedAt + LONGEST),
  sinceBlock: Math.max(0, known.block - EARLIER),
});

/**
 * Interprets the observation of such a payment. `elsewhere`: the chain has exactly this payment, to another receiver of ours. `undecided`:
 * nothing yet.
 */
export const explain = (
  network: Network,
  known: SettledPayment,
  observation: Observation,
): Difference | 'elsewhere' | 'undecided' => {
  switch (observation.kind) {
    case 'settled': {
      const { transaction, block } = observation;
      return block === known.block && transaction === known.transaction
        ? 'elsewhere'
        : ledgerDifference(network, known, { kind: 'moved', transaction, block });
    }
    case 'unused':
    case 'cancelled':
    case 'spent_otherwise':
      return ledgerDifference(network, known, {
        kind: 'missing',
        ...('transaction' in observation ? { transaction: observation.transaction } : {}),
      });
    case 'unconfirmed':
    case 'unknown':
      return 'undecided';
  }
};
