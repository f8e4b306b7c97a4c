import type { Seconds } from '../core/clock.ts';
import type { Meter } from '../protocol/meter/meter.ts';
import type { Binding, SettlementMode } from '../protocol/tool-terms.ts';
import type { ArgumentPlace } from './argument-place.ts';
import type { JsonSchema } from './input-schema.ts';
import type { FiatAsset } from '../protocol/fiat-asset.ts';
import type { Upstream } from './upstream.ts';

/** The maximum number of tools in a catalogue. */
export const MAX_TOOLS = 1_000;

/** A tool that agents can call: one entry of `tools.json`, checked and with its defaults. */
export type Tool = {
  /** `[a-z0-9][a-z0-9._-]{0,63}`. Agents sign it and policies name it. */
  readonly id: string;
  /** HTTP method, or `*` for any. */
  readonly method: string;
  /** Path at the gateway; a trailing `/*` matches every path below. */
  readonly path: string;
  readonly description: string;
  readonly mimeType: string;
  /** Atomic units of a six-decimal dollar token, or millionths of `asset`; 0 only with settlement `free`. */
  readonly price: bigint;
  /** `upto` (written `{"max": "$0.10"}`): the price is a maximum, and the tool may charge less. Paid from credit or in fiat. */
  readonly pricing: 'exact' | 'upto';
  /** The price of a metered tool as tools.json writes it. A catalogue serves the tool with what `readMeter` made of it. */
  readonly meteredPrice?: MeteredPrice;
  /** How the charge follows the usage of a call. Absent with `upto`: the upstream states the charge in a header. */
  readonly meter?: Meter;
  /** The currency of the price with settlement `card`. Absent: the dollar token of each network. */
  readonly asset?: FiatAsset;
  readonly settlement: SettlementMode;
  readonly onSilence: 'release' | 'keep';
  readonly upstream: Upstream;
  /** At most 25, or up to 300 with `onSilence: keep`. */
  readonly timeoutSeconds: Seconds;
  /** How long an answer may stream, from the request to the tool on; absent: `timeoutSeconds`. */
  readonly streamSeconds?: Seconds;
  readonly maxBodyBytes: number;
  /** Request headers that the tool needs beyond the allow-list, lower case. */
  readonly requestHeaders: readonly string[];
  /** Whether the gateway signs `X-Agent-Assertion` for the upstream. */
  readonly assertion: boolean;
  readonly requireBinding: Binding;
  /** The parameters that policies may name, and the source of each. */
  readonly params: Readonly<Record<string, ParamSource>>;
  /** Where requests to the upstream carry secrets of the vault. `parsePlacements` checks them. */
  readonly secrets: readonly SecretPlace[];
  /** How a tool with settlement `card` charges. Its own code checks the content. Absent: the upstream charges by itself. */
  readonly card?: CardTerms;
  /** Whether offers describe the tool for indexes of x402, in the extension `bazaar`. */
  readonly bazaar: boolean;
  /** JSON Schema of the arguments of an MCP call, an object. `OPEN_SCHEMA` if the tool declares none. */
  readonly inputSchema: JsonSchema;
  /** The place of each MCP argument in the HTTP request; all others go where the tool's method expects them. */
  readonly arguments: Readonly<Record<string, ArgumentPlace>>;
  /** A disabled tool answers 404 and keeps its path reserved. */
  readonly disabled: boolean;
};

/** A placement as the catalogue knows it: the name of the secret. Only the vault reads its other members. */
export type SecretPlace = { readonly secret: string; readonly [member: string]: unknown };

/** The card of a tool as the catalogue knows it: an object. */
export type CardTerms = { readonly [member: string]: unknown };

/** The price of a metered tool as the catalogue's own parser knows it: an object with a `meter`. */
export type MeteredPrice = {
  readonly meter: { readonly [member: string]: unknown };
  readonly [member: string]: unknown;
};

/** A JSON pointer into the body (RFC 6901), or a key of the query. */
export type ParamSource = { readonly pointer: string } | { readonly query: string };

/** How long a call of a tool may take: its account holds the amount for that long. */
export const callSeconds = ({
  timeoutSeconds,
  streamSeconds = 0,
}: Pick<Tool, 'timeoutSeconds' | 'streamSeconds'>): Seconds =>
  Math.max(timeoutSeconds, streamSeconds);
