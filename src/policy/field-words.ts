import type { Seconds } from '../core/clock.ts';
import type { Address } from '../core/hex.ts';
import type { AssetId } from '../protocol/account-id.ts';
import type { Policy } from './policy.ts';
import type { Condition } from './rules/conditions.ts';
import type { Rate } from './rules/rate.ts';
import type { Repeat } from './rules/repeat.ts';
import type { Window } from './window.ts';

/** How people write and read a field, by its kind. */
export type FieldKinds = {
  readonly tools: readonly string[];
  readonly payees: readonly Address[];
  readonly assets: readonly AssetId[];
  /** The price of one call: money in the asset that it is paid in. */
  readonly price: bigint;
  /** A sum, which each asset has by itself. */
  readonly sum: bigint;
  /** A sum in tokens only. */
  readonly tokens: bigint;
  readonly windows: readonly Window[];
  readonly rate: Rate;
  readonly repeat: Repeat;
  readonly percent: number;
  readonly duration: Seconds;
  readonly time: Seconds;
  readonly binding: 'none' | 'intent';
  readonly conditions: readonly Condition[];
};

export type FieldKind = keyof FieldKinds;

type Option = {
  /** In the syntax of commander: `--per-call <amount>`. */
  readonly flags: string;
  readonly summary: string;
  /** Only for an option that sets one of several windows. */
  readonly every?: 'hour' | 'day' | 'month';
};

type WordsOf<Value> = {
  /** The name of the line that shows the field. */
  readonly label: string;
  readonly kind: { readonly [K in FieldKind]: FieldKinds[K] extends Value ? K : never }[FieldKind];
  /** The text for an absent field, if it differs from `no limit`. */
  readonly absent?: string;
  /** Options of `countersign policy set`; absent if only a document sets the field. */
  readonly options?: readonly Option[];
};

/** The words of every field of a policy, the most used first. The build fails for a field without words. */
export const fieldWords: {
  readonly [Field in keyof Policy]-?: WordsOf<NonNullable<Policy[Field]>>;
} = {
  perCall: {
    label: 'per call',
    kind: 'price',
    options: [
      {
        flags: '--per-call <amount>',
        summary: 'limit per call: dollars, 0.05, or atomic units, 50000u',
      },
    ],
  },
  windows: {
    label: 'per',
    kind: 'windows',
    options: [
      { flags: '--per-hour <amount>', summary: 'limit per hour', every: 'hour' },
      { flags: '--per-day <amount>', summary: 'limit per day of UTC', every: 'day' },
      { flags: '--per-month <amount>', summary: 'limit per month of UTC', every: 'month' },
    ],
  },
  lifetime: {
    label: 'in total',
    kind: 'sum',
    options: [{ flags: '--lifetime <amount>', summary: 'limit in total' }],
  },
  approveAbove: {
    label: 'needs approval above',
    kind: 'price',
    absent: 'never needed',
    options: [
      {
        flags: '--approve-above <amount>',
        summary: 'calls above this price wait until a person approves them',
      },
    ],
  },
  exposure: {
    label: 'not settled yet, at most',
    kind: 'tokens',
    options: [
      {
        flags: '--unsettled <amount>',
        summary: 'limit of accepted payments that have not settled',
      },
    ],
  },
  tools: {
    label: 'tools',
    kind: 'tools',
    options: [
      {
        flags: '--tools <ids>',
        summary: 'allowed tools: ids, prefix.* or *, comma-separated; +ids adds to those allowed',
      },
    ],
  },
  payees: {
    label: 'payees',
    kind: 'payees',
    options: [
      {
        flags: '--payees <addresses>',
        summary: 'allowed payees, comma-separated; any allows all',
      },
    ],
  },
  assets: { label: 'assets', kind: 'assets' },
  rate: {
    label: 'calls',
    kind: 'rate',
    options: [{ flags: '--rate <calls/time>', summary: 'limit of calls, e.g. 60/60s' }],
  },
  repeat: {
    label: 'same request',
    kind: 'repeat',
    options: [
      {
        flags: '--repeat <times/time>',
        summary: 'limit of identical requests, e.g. 3/60s',
      },
    ],
  },
  softPercent: {
    label: 'warns at',
    kind: 'percent',
    absent: '80 % of a limit',
    options: [
      {
        flags: '--alert <percent>',
        summary: 'raise an alert at this share of a limit (default: 80)',
      },
    ],
  },
  maxValidity: {
    label: 'proof valid for',
    kind: 'duration',
  },
  binding: {
    label: 'proofs',
    kind: 'binding',
    absent: 'bound to their request, or not',
    options: [
      {
        flags: '--binding <how>',
        summary: 'intent: accept only payments bound to their request',
      },
    ],
  },
  validFrom: {
    label: 'valid from',
    kind: 'time',
    options: [{ flags: '--from <time>', summary: 'deny calls before this time' }],
  },
  validUntil: {
    label: 'valid until',
    kind: 'time',
    options: [
      {
        flags: '--until <time>',
        summary: 'deny calls after this time, e.g. 2026-12-31 or 30d',
      },
    ],
  },
  deny: { label: 'denies', kind: 'conditions' },
  require: { label: 'requires', kind: 'conditions' },
};
