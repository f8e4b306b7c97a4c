import { canonicalJson } from '../core/canonical-json.ts';
import type { Seconds } from '../core/clock.ts';
import type { Hex } from '../core/hex.ts';
import { sha256Hex, utf8 } from '../crypto/bytes.ts';
import type { FiatAsset } from './fiat-asset.ts';
import type { Meter } from './meter/meter.ts';

/** How strongly a proof is tied to its request: `none` (vanilla x402, pinned at first use) or `intent` (signed). */
export type Binding = 'none' | 'intent';

/** How a tool is paid. `card`: its price is in fiat, the account counts it, and no token moves. */
export type SettlementMode = 'deferred' | 'upfront' | 'credit' | 'free' | 'card';

/**
 * The cost of a tool and its conditions: the part of its document that decides a price and that any caller may read. It holds neither
 * upstream nor secrets, so the log of the gateway's account can be shown to every owner (docs/wire-format.md §15).
 */
export type ToolTerms = {
  readonly tool: string;
  /** Atomic units of a six-decimal dollar token, or millionths of `asset`. */
  readonly price: string;
  /** `upto`: the price is a maximum. */
  readonly pricing: 'exact' | 'upto';
  /** How the charge follows usage. Absent with `upto`: the upstream states the charge. */
  readonly meter?: Meter;
  /** The currency of a card tool. Absent: the dollar token of each network. */
  readonly asset?: FiatAsset;
  readonly settlement: SettlementMode;
  readonly onSilence: 'release' | 'keep';
  readonly timeoutSeconds: Seconds;
  /** How long an answer may stream. Absent: as long as `timeoutSeconds`. */
  readonly streamSeconds?: Seconds;
  readonly requireBinding: Binding;
  /** The parameters that policies may name: a JSON pointer into the body, or a key of the query. */
  readonly params: Readonly<
    Record<string, { readonly pointer: string } | { readonly query: string }>
  >;
};

/**
 * The least amount that an intent must allow, atomic units. Attack: a caller that signs a maximum of one unit for a metered tool gets as
 * many tokens as the tool's price pays for, because usage above the maximum costs the maximum.
 */
export const leastMaximum = (
  { pricing, meter }: Pick<ToolTerms, 'pricing' | 'meter'>,
  price: bigint,
): bigint => (pricing === 'upto' && meter === undefined ? 1n : price);

/** SHA-256 over JCS of the terms: `evidence.terms` of a call's entry. */
export const termsHash = (terms: ToolTerms): Hex => sha256Hex(utf8(canonicalJson(terms)));
