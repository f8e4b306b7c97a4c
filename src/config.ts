import type { Address, Network } from './core/account-id.ts';
import type { Tool } from './catalog/tool.ts';
import type { Policy } from './policy/policy.ts';

/** Everything an operator sets, parsed once an isolate. */
export type Config = {
  /** Origins clients may sign for, e.g. `https://gw.example`; the first is advertised. */
  readonly audiences: readonly [string, ...string[]];
  /** Networks with a receiver and an RPC endpoint, in the order of PAY_TO; offers are made in this order. */
  readonly networks: readonly [Network, ...Network[]];
  readonly payTo: ReadonlyMap<Network, Address>;
  readonly rpcUrls: ReadonlyMap<Network, readonly [string, ...string[]]>;
  readonly facilitators: readonly [{ readonly url: string }, ...{ readonly url: string }[]];
  /** Origin that relative tool upstreams are resolved against. */
  readonly upstreamUrl: string | undefined;
  readonly paused: boolean;
  readonly policy: Policy;
  readonly confirmations: number;
  /** Ed25519 private key as JWK text. */
  readonly receiptKey: string;
  readonly tools: readonly Tool[];
};
