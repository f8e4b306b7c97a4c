import type { AccountId, Network } from './account-id.ts';
import type { Address, Hex } from '../core/hex.ts';
import type { Seconds } from '../core/clock.ts';
import type { Payment } from './payment.ts';

/** The relayer's name as a backend, in logs, metrics and D1. */
export const RELAYER = 'relayer';

/** One payment to be moved by our own key, and whose it is. Idempotent by (token, payer, nonce). */
export type Relay = {
  readonly account: AccountId;
  readonly call: Hex;
  readonly payment: Payment;
  /** The newest block known when the call was accepted: an older settlement is not this payment's (design §6). */
  readonly sinceBlock: number;
};

/**
 * `taken`: it is stored, and goes out with one of the next batches, or already has. Everything else: another backend may be
 * asked. `full`: too many wait. `gas`: the key cannot pay for it. `fee`: gas is dearer than the operator allows.
 * `refused`: the token refuses it when it is tried. `unsupported`: not for this relayer. `unavailable`: the object did not answer.
 */
export type Relayed = {
  readonly call: Hex;
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

/** A transaction that is not final yet. Fees in wei for a unit of gas, as decimal strings. */
export type Flight = {
  readonly nonce: number;
  /** Every transaction signed for this nonce, the newest last. */
  readonly hashes: readonly Hex[];
  readonly payments: number;
  readonly maxFeePerGas: string;
  readonly sentAt: Seconds;
  /** Once it is in a block. */
  readonly block?: number;
};

/** How a relayer stands, for operators. Wei as decimal strings. */
export type RelayerStatus =
  | {
      readonly verdict: 'found';
      readonly network: Network;
      readonly address: Address;
      /** As last read. */
      readonly balance?: string;
      readonly balanceAt?: Seconds;
      /** How many payments the balance still pays for, at the gas of the last ones and the fee of now. */
      readonly covers?: number;
      readonly waiting: number;
      readonly oldestAt?: Seconds;
      readonly flights: readonly Flight[];
      /** Since it began. */
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

/** What the object answers. Tagged unions, never exceptions. */
export type RelayerRpc = {
  /** Takes payments over. `urgent`: somebody waits, so the batch leaves at once. */
  relay(relays: readonly Relay[], urgent: boolean): Promise<readonly Relayed[]>;
  status(): Promise<RelayerStatus>;
};
