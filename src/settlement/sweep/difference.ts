import { type AccountId, accountId, type Network } from '../../protocol/account-id.ts';
import { type Hex } from '../../core/hex.ts';
import type { LedgerPayment, LedgerState } from './ledger.ts';
import type { ChainPayment, Unsolicited } from './movement.ts';

/**
 * What ledger and chain do not agree about. `unrecorded`: money moved that the ledger has not settled. `missing`: the ledger has
 * settled what did not move. `amount`: they differ in it. `moved`: the chain has it in another transaction or block, after a
 * reorganisation: the money came all the same. `unsolicited`: money that nobody had signed a payment for.
 */
export type DifferenceKind = 'unrecorded' | 'missing' | 'amount' | 'moved' | 'unsolicited';

/** One of them, with what both sides say. */
export type Difference = {
  readonly network: Network;
  /** The nonce; of money without one, its transaction and log. */
  readonly subject: string;
  readonly kind: DifferenceKind;
  /** Nobody has to do anything about it. */
  readonly informational: boolean;
  readonly account: AccountId;
  readonly call?: Hex;
  readonly transaction?: Hex;
  /** Where the chain has it, or, where it has not, where the ledger has. */
  readonly block: number;
  readonly log?: number;
  /** What the chain has moved; absent where that is nothing. */
  readonly chain?: bigint;
  readonly ledger: LedgerState | 'absent';
  readonly ledgerAmount?: bigint;
  readonly ledgerTransaction?: Hex;
  readonly ledgerBlock?: number;
};

/** Names a difference within its network. */
export const nameOf = ({ subject, kind }: Pick<Difference, 'subject' | 'kind'>): string =>
  `${subject} ${kind}`;

/** What the ledger says of it. */
const ledgerSide = (
  known: LedgerPayment | undefined,
): Pick<Difference, 'ledger' | 'ledgerAmount' | 'ledgerTransaction' | 'ledgerBlock'> => ({
  ledger: known?.state ?? 'absent',
  ...(known?.amount === undefined ? {} : { ledgerAmount: known.amount }),
  ...(known?.transaction === undefined ? {} : { ledgerTransaction: known.transaction }),
  ...(known?.block === undefined ? {} : { ledgerBlock: known.block }),
});

/** What is wrong about a payment that the chain has made; undefined where the ledger has it just so. */
export const ofChain = (
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
        // Signed to us, and accepted by nobody here: somebody has presented it all the same, and got nothing for it.
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

/** Money without an authorization: a top-up past the gateway, or a gift. */
export const ofUnsolicited = (network: Network, moved: Unsolicited): Difference => ({
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

/** A payment that the ledger has as settled in a block, and the chain has not there. `used`: what has become of its nonce. */
export const ofLedger = (
  network: Network,
  known: LedgerPayment & { readonly block: number },
  found: {
    readonly kind: 'missing' | 'moved';
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
