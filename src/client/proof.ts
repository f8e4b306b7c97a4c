import type { AssetId, Network } from '../protocol/account-id.ts';
import type { Hex } from '../core/hex.ts';
import type { Seconds } from '../core/clock.ts';
import type { RetrySecret } from '../protocol/intent/retry-key.ts';

/** One signature in its header. Repeats send the same bytes; the client never signs a call twice (law 3). */
export type Proof = {
  readonly header: readonly [name: string, value: string];
  /**
   * The secret that the intent's nonce commits to; absent if the gateway stores no answer. Only repeats carry it. Hooks and errors
   * never contain it.
   */
  readonly secret?: RetrySecret;
  readonly pays: 'none' | 'payment' | 'credit';
  /** The x402 version of a payment. */
  readonly version?: 1 | 2;
  readonly binding: 'none' | 'intent';
  /** Call id: the intent digest, or the EIP-3009 nonce of a plain payment. */
  readonly call: Hex;
  readonly network: Network;
  readonly asset: AssetId;
  /** The most that the signature can cost, in atomic units. */
  readonly amount: bigint;
  /** When the proof expires: it executes no more from then on. */
  readonly until: Seconds;
  /** The audience and tool in the intent; undefined for a plain payment. */
  readonly gateway: { readonly audience: string; readonly tool: string } | undefined;
};
