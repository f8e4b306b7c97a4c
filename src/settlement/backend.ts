import type { Network } from '../protocol/account-id.ts';
import type { Address } from '../core/hex.ts';
import type { Seconds } from '../core/clock.ts';

/** An x402 facilitator as `FACILITATORS` names it. */
export type Facilitator = {
  /** Base URL, to which `/settle` and `/supported` are added. */
  readonly url: string;
  /** Networks it may be asked for; absent: those it says it supports. */
  readonly networks?: readonly Network[];
  /** `cdp`: a short-lived JWT a request, of the key in `CDP_API_KEY_ID` and `CDP_API_KEY_SECRET`. */
  readonly auth: 'none' | 'cdp';
  /** Requests at once, of one isolate. */
  readonly concurrency: number;
  /** Requests a second, of one isolate; absent: as many as `concurrency` allows. */
  readonly perSecond?: number;
  /** What it takes for a transaction, in atomic units of the token. For the books only. */
  readonly fee: bigint;
};

/** Our own key on one chain, as `RELAYERS` names it. */
export type RelayerSetting = {
  /** Pays the gas. That of `RELAYER_KEY`, or of the key that `signer` holds. */
  readonly address: Address;
  /** JSON-RPC URL that answers `eth_signTransaction`; absent: `RELAYER_KEY` signs. */
  readonly signer?: string;
  /** Payments in one transaction, at most. */
  readonly batch: number;
  /** How long the oldest payment waits for others to join it. */
  readonly wait: Seconds;
  /** Above this fee (wei for a unit of gas) nothing is sent, unless a deadline is near. */
  readonly maxFeePerGas: bigint;
  /** Whether it is asked before the facilitators. */
  readonly first: boolean;
};

/** A key of the Coinbase Developer Platform. */
export type CdpKey = { readonly id: string; readonly secret: string };
