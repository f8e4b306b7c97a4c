import type { Binding, SettlementMode } from '../protocol/account/call.ts';
import type { Seconds } from '../core/clock.ts';

/** A tool that agents can call: one entry of `tools.json`, checked and with its defaults filled in. */
export type Tool = {
  /** `[a-z0-9][a-z0-9._-]{0,63}`; what agents sign and policies name. */
  readonly id: string;
  /** HTTP method, or `*` for any. */
  readonly method: string;
  /** Path at the gateway; a trailing `/*` matches everything below. */
  readonly path: string;
  readonly description: string;
  readonly mimeType: string;
  /** Atomic units of a six-decimal dollar token; 0 only where settlement is `free`. */
  readonly price: bigint;
  /** `upto` (written `{"max": "$0.10"}`): the price is the most, and the tool may charge less. Paid from credit only. */
  readonly pricing: 'exact' | 'upto';
  readonly settlement: SettlementMode;
  readonly onSilence: 'release' | 'keep';
  /** Absolute URL, or a path below `UPSTREAM_URL`. For a `/*` path the rest is appended. */
  readonly upstream: string;
  /** At most 25, longer (to 300) only with `onSilence: keep` (design §3). */
  readonly timeoutSeconds: Seconds;
  readonly maxBodyBytes: number;
  /** Request headers this tool needs beyond the allow-list, lower-case. */
  readonly requestHeaders: readonly string[];
  readonly requireBinding: Binding;
  /** What rules of a policy may look at, by name: where each is read from. */
  readonly params: Readonly<Record<string, ParamSource>>;
  /** Answers as one that is not there, and leaves its path to no other. */
  readonly disabled: boolean;
};

/** A JSON pointer into the body (RFC 6901), or a key of the query. */
export type ParamSource = { readonly pointer: string } | { readonly query: string };
