import type { AssetId, Network } from '../protocol/account-id.ts';
import type { Hex } from '../core/hex.ts';
import type { Seconds } from '../core/clock.ts';
import type { RetrySecret } from '../protocol/intent/retry-key.ts';

/** One signature and its header: sent again as it is, never made again (law 3). */
export type Proof = {
  readonly header: readonly [name: string, value: string];
  /**
   * What the intent's nonce commits to; absent where no stored answer could be given for it. Sent with repeats only, and never shown
   * to hooks or in errors.
   */
  readonly secret?: RetrySecret;
  readonly pays: 'none' | 'payment' | 'credit';
  /** Of x402; an intent has none. */
  readonly version?: 1 | 2;
  readonly binding: 'none' | 'intent';
  /** The intent digest, or the EIP-3009 nonce (design §4.6). */
  readonly call: Hex;
  readonly network: Network;
  readonly asset: AssetId;
  /** The most that the signature can cost, atomic units. */
  readonly amount: bigint;
  /** When it can no longer execute. */
  readonly until: Seconds;
  /** Whom it was signed for; undefined at servers that know no intents. */
  readonly gateway: { readonly audience: string; readonly tool: string } | undefined;
};
