import type { AccountId, Network } from './account-id.ts';
import type { Address, Hex } from '../core/hex.ts';
import type { Seconds } from '../core/clock.ts';
import type { Payment } from './payment.ts';

/** The relayer's name as a backend, in logs, metrics and D1. */
export const RELAYER = 'relayer';

/** One payment for the relayer, with its account and call. Idempotent by (token, payer, nonce). */
export type Relay = {
  /** The account that the relayer notifies. Absent: the payment pays another seller (`FACILITATES`), whose server asks again. */
  readonly account?: AccountId;
  readonly call: Hex;
  readonly payment: Payment;
  /** The newest block known when the call was accepted: an older settlement is not this payment's. */
  readonly sinceBlock: number;
};

/**
 * The relayer's verdict on one payment. `taken`: stored, and sent with one of the next batches, or already sent. After any other verdict
 * the caller may try another backend. `full`: too many payments wait. `gas`: the key cannot pay the gas. `fee`: gas is more expensive than
 * the operator allows. `refused`: the token reverts the simulated transfer. `expired`: too close to `validBefore`. `unsupported`: another
 * token or payee, or no relayer. `unavailable`: the object did not answer.
 */
export type Relayed = {
  readonly call: Hex;
  /** The newest transaction that carries a taken payment; absent while it waits for one. Another transaction may replace it. */
  readonly transaction?: Hex;
  readonly verdict:
    | 'taken'
    | 'full'
    | 'gas'
    | 'fee'
    | 'refused'
    | 'expired'
    | 'unsupported'
    | 'unavailable';
};

/** A transaction that is not final. Fees in wei per unit of gas, as decimal strings. */
export type Flight = {
  readonly nonce: number;
  /** The hashes of all transactions signed for this nonce, the newest last. */
  readonly hashes: readonly Hex[];
  readonly payments: number;
  readonly maxFeePerGas: string;
  readonly sentAt: Seconds;
  /** Set once the transaction is in a block. */
  readonly block?: number;
};

/** The status of a relayer for operators. Wei as decimal strings. */
export type RelayerStatus =
  | {
      readonly verdict: 'found';
      readonly network: Network;
      readonly address: Address;
      /** The balance when last read. */
      readonly balance?: string;
      readonly balanceAt?: Seconds;
      /** How many payments the balance pays for, at the recent gas per payment and the current fee. */
      readonly covers?: number;
      readonly waiting: number;
      readonly oldestAt?: Seconds;
      readonly flights: readonly Flight[];
      /** Totals since the relayer's first transaction. */
      readonly totals: {
        readonly transactions: number;
        readonly payments: number;
        readonly replaced: number;
        readonly gasUsed: string;
        readonly fees: string;
      };
      readonly lastError?: { readonly at: Seconds; readonly text: string };
    }
  | { readonly verdict: 'unconfigured' };

/** The methods of a Relayer object. They return tagged unions and throw no exceptions. */
export type RelayerRpc = {
  /** Takes payments. `urgent`: a request waits, so the batch is sent at once. */
  relay(relays: readonly Relay[], urgent: boolean): Promise<readonly Relayed[]>;
  status(): Promise<RelayerStatus>;
};
