import type { Hex } from '../../core/hex.ts';
import type { Seconds } from '../../core/clock.ts';
import type { RpcAnswer, RpcCall, RpcFault } from './json-rpc.ts';

/** Where to read a chain, and how many blocks, the settlement's own included, make it final. */
export type Chain = {
  readonly urls: readonly [string, ...string[]];
  readonly confirmations: number;
  /** Told whether any node has answered, each time they are asked. */
  readonly heard?: (answered: boolean) => void;
};

/** What the chain says of one payment. Only `settled`, `spent_otherwise` and `cancelled` are final by themselves. */
export type ChainView =
  | { readonly view: 'settled'; readonly transaction: Hex; readonly block: number }
  /** The nonce was used or cancelled, in a block that may still be reorganised away. */
  | { readonly view: 'unconfirmed'; readonly transaction: Hex; readonly block: number }
  /**
   * The nonce is unused. State, time and balance are of one and the same block, `headBlock`, which is final whenever its
   * time is past validBefore: so `headTime > validBefore` says that the money can never move. The clock of the Worker
   * says no such thing: a chain that stood still goes on with blocks dated in the past (a rollup fills the gap of its
   * sequencer), and a settlement fits into those. While no block past validBefore exists, nothing is released.
   */
  | {
      readonly view: 'unused';
      readonly headBlock: number;
      readonly headTime: Seconds;
      readonly balance: bigint;
    }
  /** The transaction is missing when the nonce was spent so long before acceptance that its log was not searched for. */
  | { readonly view: 'spent_otherwise'; readonly transaction?: Hex }
  | { readonly view: 'cancelled'; readonly transaction: Hex }
  /** The node did not say, or said what cannot be: never a ground for a verdict. */
  | { readonly view: 'unknown'; readonly why: string };

/** What is known so far of one payment: its view, or what to ask the node next. */
export type Step = ChainView | Asking;

export type Asking = {
  readonly calls: readonly RpcCall[];
  readonly read: (answers: readonly RpcAnswer[]) => Step;
  /** What to do when the batch got no usable answer; without it the view is `unknown`. */
  readonly failed?: () => Step;
  /** The most bytes of the answer that are read where it is asked alone. */
  readonly maxBytes?: number;
};

export const isView = (step: Step): step is ChainView => 'view' in step;

export const unknown = (why: string): ChainView => ({ view: 'unknown', why });

export const unanswered = (fault: RpcFault | undefined): ChainView =>
  unknown(`the node did not answer: ${fault?.kind ?? 'nothing'}`);
