import type { Seconds } from '../../core/clock.ts';

/** The number of units that a call has used, by name: whole numbers, from 0 up. */
export type Usage = Readonly<Record<string, number>>;

/** The most of one unit that an upstream may report. Above it the report is absurd, and the tool has failed. */
export const MAX_USAGE = 1_000_000_000_000;

/** What a unit costs, by its name: `"$0.15 per 1000000"`, or `"$0.02"` for each. See `parseRate`. */
export type Rates = Readonly<Record<string, string>>;

/** A rate list for some values of a declared parameter, such as the model. */
export type RatesBy = {
  /** A name in `params` of the tool. */
  readonly param: string;
  readonly values: Readonly<Record<string, Rates>>;
};

/** The rate list of a value that is not sold. */
export const NOT_SOLD = 'not sold';

/** Where a report names a unit. */
export type ReportedUnit = {
  /** JSON pointers (RFC 6901) below the report. If there are several, the unit is their sum. */
  readonly pointers: readonly string[];
  /** The unit of which this one is a part. If the part has a rate, it does not count in the whole. */
  readonly within?: string;
};

/** The event that ends a complete stream, by its data or its name. */
export type EndEvent = { readonly data: string } | { readonly event: string };

/** Where usage is read. */
export type UsageSource =
  /** The gateway counts `events`, `bytes` and `seconds` itself. */
  | { readonly from: 'gateway' }
  /** The upstream reports it in its answer. */
  | {
      readonly from: 'answer';
      /** JSON pointer to the report in a JSON answer. Absent: such an answer has none. */
      readonly answer?: string;
      /** JSON pointers to the report in the data of an event. Empty: events have none. */
      readonly events: readonly string[];
      readonly units: Readonly<Record<string, ReportedUnit>>;
      /** `cumulative`: a report holds all usage so far, so a stream that breaks off has used as much as it reported last. */
      readonly reports: 'final' | 'cumulative';
      /** A stream that ends without this event has broken off. Absent: the end of the body is the end of the stream. */
      readonly end?: EndEvent;
    }
  /** The upstream reports it in headers of its answer: names in lower case, by unit. */
  | { readonly from: 'header'; readonly units: Readonly<Record<string, string>> };

/** The units that the gateway counts. `seconds`: from the headers of the answer to its end, each second that has begun. */
export const COUNTED_UNITS = ['events', 'bytes', 'seconds'] as const;

/**
 * How the charge of a tool follows its usage: a part of its terms (`ToolTerms`), so every member is hashed into the log. The maximum is the
 * price of the tool.
 */
export type Meter = {
  readonly usage: UsageSource;
  /** The rates of every call that `ratesBy` does not name. */
  readonly rates: Rates | typeof NOT_SOLD;
  readonly ratesBy?: RatesBy;
  /** The least that a complete answer costs, atomic units. */
  readonly min?: string;
  /** What a complete answer without usage costs: the maximum, or nothing. Absent only if the gateway counts. */
  readonly missing?: 'max' | 'none';
  /** How far the gateway reads on after the caller has disconnected: until the first of both. */
  readonly readOn: { readonly seconds: Seconds; readonly bytes: number };
  /** A stream that is silent for longer has broken off. */
  readonly idleSeconds: Seconds;
  /** The gateway adds `stream_options.include_usage` to requests with `"stream": true`. */
  readonly includeUsage?: true;
  /** Whether the tool accepts payments of the x402 scheme `exact`, which move the maximum. Absent: it accepts no payments. */
  readonly exact?: boolean;
};

/** The names of the units that a source knows. */
export const unitsOf = (usage: UsageSource): readonly string[] =>
  usage.from === 'gateway' ? COUNTED_UNITS : Object.keys(usage.units);

/** All rate lists of a meter. */
export const rateListsOf = ({ rates, ratesBy }: Meter): readonly Rates[] => [
  ...(rates === NOT_SOLD ? [] : [rates]),
  ...Object.values(ratesBy?.values ?? {}),
];

/** Whether a text is the name of a unit. No unit is named like an inherited member, such as `constructor`. */
export const isUnit = (name: string): boolean =>
  /^[a-z][a-z0-9_]{0,63}$/.test(name) && !(name in {});
