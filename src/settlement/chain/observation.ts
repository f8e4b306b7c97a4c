import type { Seconds } from '../../core/clock.ts';
import type { Hex } from '../../core/hex.ts';
import type { RpcAnswer, RpcCall, RpcFault } from './json-rpc.ts';

/** The nodes of a chain. */
export type Chain = {
  readonly urls: readonly [string, ...string[]];
  /** How many blocks, the settlement's own included, make it final. */
  readonly confirmations: number;
  /** Called after each batch with whether any node answered. */
  readonly onAnswered?: (answered: boolean) => void;
};

/** The state of one payment on the chain. Only `settled`, `spent_otherwise` and `cancelled` are final by themselves. */
export type Observation =
  | { readonly kind: 'settled'; readonly transaction: Hex; readonly block: number }
  /** The nonce was used or cancelled in a block that a reorganisation may still remove. */
  | { readonly kind: 'unconfirmed'; readonly transaction: Hex; readonly block: number }
  /**
   * The nonce is unused. Nonce state, time and balance are those of one block, `headBlock`. When its time is past `validBefore`, that
   * block is final, so `headTime > validBefore` proves that the money can never move.
   *
   * Trap: the Worker's clock proves nothing. A rollup whose sequencer stopped continues with blocks dated in the past, and a
   * settlement fits into those. While no block past `validBefore` exists, nothing is released.
   */
  | {
      readonly kind: 'unused';
      readonly headBlock: number;
      readonly headTime: Seconds;
      /** Of a permit past `validBefore`: what Permit2 may transfer of it. */
      readonly balance: bigint;
    }
  /**
   * Without `transaction`: the nonce was used so long before acceptance that its log was not searched for; or a permit's nonce was used by
   * another permit, of which Permit2 emits no log. With `transaction`, for a permit: its sender has moved less than the charge.
   */
  | { readonly kind: 'spent_otherwise'; readonly transaction?: Hex }
  | { readonly kind: 'cancelled'; readonly transaction: Hex }
  /** The node did not answer, or its answers contradict each other. Never a ground for a decision. */
  | { readonly kind: 'unknown'; readonly why: string };

/** The observation of a payment, or the next query that leads to it. */
export type ObservationStep = Observation | NextQuery;

/** A `ChainQuery` for the next step, written out because a type alias cannot refer to itself through a generic one. */
export type NextQuery = {
  readonly calls: readonly RpcCall[];
  readonly read: (answers: readonly RpcAnswer[]) => ObservationStep;
  readonly maxBytes?: number;
  /** The next step if the batch got no usable answer; without it the observation is `unknown`. */
  readonly failed?: () => ObservationStep;
};

export const isObservation = (step: ObservationStep): step is Observation => 'kind' in step;

export const unknown = (why: string): Observation => ({ kind: 'unknown', why });

export const unanswered = (fault: RpcFault | undefined): Observation =>
  unknown(`the node did not answer: ${fault?.kind ?? 'nothing'}`);

/** Whether the chain shows that the money moved to us, in a final block or not. */
export const isOnChain = ({ kind }: Observation): boolean =>
  kind === 'settled' || kind === 'unconfirmed';
