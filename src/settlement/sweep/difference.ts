import type { Hex } from '../../core/hex.ts';
import { type AccountId, accountId, type Network } from '../../protocol/account-id.ts';
import type { LedgerPayment, LedgerState } from './ledger.ts';
import type { ChainPayment, Unsolicited } from './window.ts';

/**
 * How ledger and chain differ about a payment. `unrecorded`: the money moved, and the ledger has not settled the payment. `missing`: the
 * ledger has settled it, and the money did not move. `amount`: the amounts differ. `moved`: after a reorganisation the chain has it in
 * another transaction or block; the money arrived. `unsolicited`: the money arrived without a payment.
 */
export type DifferenceKind = 'unrecorded' | 'missing' | 'amount' | 'moved' | 'unsolicited';

/** A difference, with both sides. */
export type Difference = {
  readonly network: Network;
  /** The nonce; for money without one, its transaction and log. */
  readonly subject: string;
  readonly kind: DifferenceKind;
  /** No action is needed. */
  readonly informational: boolean;
  readonly account: AccountId;
  readonly call?: Hex;
  readonly transaction?: Hex;
  /** The chain's block, or the ledger's if the chain has none. */
  readonly block: number;
  readonly log?: number;
  /** The amount that the chain has moved; absent if none. */
  readonly chain?: bigint;
  readonly ledger: LedgerState | 'absent';
  readonly ledgerAmount?: bigint;
  readonly ledgerTransaction?: Hex;
  readonly ledgerBlock?: number;
};

/** Identifies a difference within its network. */
export const nameOf = ({ subject, kind }: Pick<Difference, 'subject' | 'kind'>): string =>
  `${subject} ${kind}`;

const ledgerSide = (
  known: LedgerPayment | undefined,
): Pick<Difference, 'ledger' | 'ledgerAmount' | 'ledgerTransaction' | 'ledgerBlock'> => ({
  ledger: known?.state ?? 'absent',
  ...(known?.amount === undefined ? {} : { ledgerAmount: known.amount }),
  ...(known?.transaction === undefined ? {} : { ledgerTransaction: known.transaction }),
  ...(known?.block === undefined ? {} : { ledgerBlock: known.block }),
});

/** The difference of a payment that the chain has moved; undefined if the ledger agrees. */
export const chainDifference = (
  network: Network,
  payment: ChainPayment,
  known: LedgerPayment | undefined,
): Difference | undefined => {
  const kind = kindOf(payment, known);
  return kind === undefined
    ? undefined
    : {
        network,
        subject: payment.nonce,
        kind,
        // A payment that was signed to the gateway and never accepted here: its payer presented it without buying anything.
        informational: known === undefined || kind === 'moved',
        account: accountId(network, payment.payer),
        call: payment.nonce,
        transaction: payment.transaction,
        block: payment.block,
        chain: payment.amount,
        ...ledgerSide(known),
      };
};

const kindOf = (
  { amount, transaction, block }: ChainPayment,
  known: LedgerPayment | undefined,
): DifferenceKind | undefined => {
  if (known?.state !== 'settled') return 'unrecorded';
  if (known.amount !== amount) return 'amount';
  return known.transaction === transaction && known.block === block ? undefined : 'moved';
};

/** The difference of money without an authorization: a transfer that bypassed the gateway, or a gift. */
export const unsolicitedDifference = (network: Network, moved: Unsolicited): Difference => ({
  network,
  subject: `${moved.transaction}:${moved.log}`,
  kind: 'unsolicited',
  informational: true,
  account: accountId(network, moved.payer),
  transaction: moved.transaction,
  block: moved.block,
  log: moved.log,
  chain: moved.amount,
  ledger: 'absent',
});

/** The difference of a payment that the ledger has settled in a block where the chain does not have it. */
export const ledgerDifference = (
  network: Network,
  known: LedgerPayment & { readonly block: number },
  found: {
    readonly kind: 'missing' | 'moved';
    /** The transaction that used the nonce. */
    readonly transaction?: Hex;
    readonly block?: number;
  },
): Difference => ({
  network,
  subject: known.call,
  kind: found.kind,
  informational: found.kind === 'moved',
  account: known.account,
  call: known.call,
  block: found.block ?? known.block,
  ...(found.transaction === undefined ? {} : { transaction: found.transaction }),
  ...(found.kind === 'moved' && known.amount !== undefined ? { chain: known.amount } : {}),
  ...ledgerSide(known),
});
