import { type Network, parseAccountId } from '../../protocol/account-id.ts';
import { type Address } from '../../core/hex.ts';
import type { Observation } from '../chain/observation.ts';
import type { ExpectedTransfer } from '../chain/expected-transfer.ts';
import { type Difference, ofChain, ofLedger, ofUnsolicited } from './difference.ts';
import { keyOf, ledgerKey, type LedgerPayment } from './ledger.ts';
import type { Movements } from './movement.ts';
import type { Blocks } from './window.ts';

/** What one side has moved. */
export type Sum = { readonly payments: number; readonly amount: bigint };

export const NOTHING: Sum = { payments: 0, amount: 0n };

export const plus = (one: Sum, other: Sum): Sum => ({
  payments: one.payments + other.payments,
  amount: one.amount + other.amount,
});

type InBlock = LedgerPayment & { readonly block: number };

/** Both sides of some blocks, before it is asked where the payments are that the chain has not there. */
export type Compared = {
  readonly differences: readonly Difference[];
  /** Settled here by the ledger, and not in the logs: `lookOf` says what to ask the chain. */
  readonly unmatched: readonly InBlock[];
  /** By authorization; what came without one is in no sum. */
  readonly chain: Sum;
  readonly ledger: Sum;
};

/**
 * Holds the chain's payments of some blocks against the ledger's. Pure. Both sums are equal where nothing differs.
 *
 * @param known what the ledger says of the chain's payments, and what it has settled in these blocks; one payment may be in both.
 */
export const compare = (
  network: Network,
  { from, to }: Blocks,
  { payments, unsolicited }: Movements,
  known: readonly LedgerPayment[],
): Compared => {
  const ledger = new Map(known.map((each) => [keyOf(each), each]));
  const moved = new Map(payments.map((each) => [keyOf(ledgerKey(network, each)), each]));
  const settled = [...ledger.values()].filter(
    (each): each is InBlock =>
      each.state === 'settled' &&
      each.block !== undefined &&
      from <= each.block &&
      each.block <= to,
  );
  return {
    differences: [
      ...payments.flatMap(
        (each) => ofChain(network, each, ledger.get(keyOf(ledgerKey(network, each)))) ?? [],
      ),
      ...unsolicited.map((each) => ofUnsolicited(network, each)),
    ],
    // One that the chain has in another block is asked for, too: what is found must not depend on which blocks are read at once.
    unmatched: settled.filter((each) => moved.get(keyOf(each))?.block !== each.block),
    chain: sumOf(payments),
    ledger: sumOf(settled),
  };
};

const sumOf = (payments: readonly { readonly amount?: bigint }[]): Sum => ({
  payments: payments.length,
  amount: payments.reduce((sum, { amount = 0n }) => sum + amount, 0n),
});

/** Blocks below the ledger's own that a payment is looked for in: a reorganisation may put it into an earlier one. */
const EARLIER = 1_024;
/** The longest authorization that is accepted, seconds after its call (design §4.2). */
const LONGEST = 3_660;

/** What to ask the chain of a payment that it has not where the ledger says. */
export const lookOf = (known: InBlock, token: Address, payTo: Address): ExpectedTransfer => ({
  token,
  payer: parseAccountId(known.account)?.address ?? payTo,
  // An operator may have changed where money goes since.
  payTo: known.payee ?? payTo,
  value: known.amount ?? 0n,
  nonce: known.call,
  validBefore: BigInt(known.acceptedAt + LONGEST),
  sinceBlock: Math.max(0, known.block - EARLIER),
});

/** What the chain's answer means. `elsewhere`: it has just this payment, to another receiver of ours. `undecided`: nothing, for now. */
export const explain = (
  network: Network,
  known: InBlock,
  observation: Observation,
): Difference | 'elsewhere' | 'undecided' => {
  switch (observation.kind) {
    case 'settled': {
      const { transaction, block } = observation;
      return block === known.block && transaction === known.transaction
        ? 'elsewhere'
        : ofLedger(network, known, { kind: 'moved', transaction, block });
    }
    case 'unused':
    case 'cancelled':
    case 'spent_otherwise':
      return ofLedger(network, known, {
        kind: 'missing',
        ...('transaction' in observation ? { transaction: observation.transaction } : {}),
      });
    case 'unconfirmed':
    case 'unknown':
      return 'undecided';
  }
};
