import type { Seconds } from '../core/clock.ts';
import type { Network } from '../protocol/account-id.ts';

/** A payment event for operators. `age`: seconds since the call was accepted. Amounts in atomic units, gas in units of gas. */
export type SettlementEvent =
  | { readonly event: 'payment_accepted'; readonly network: Network; readonly amount: bigint }
  | {
      readonly event: 'payment_settled' | 'payment_failed' | 'payment_released';
      readonly network: Network;
      readonly amount: bigint;
      readonly age?: Seconds;
    }
  /** A payment to another seller (`FACILITATES`). Each request of its server that finds it settled is one event. */
  | {
      readonly event: 'payment_facilitated';
      readonly network: Network;
      readonly amount: bigint;
      readonly age: Seconds;
    }
  | {
      readonly event: 'backend_answered';
      readonly network: Network;
      /** The name of the backend. */
      readonly backend: string;
      readonly ok: boolean;
      readonly milliseconds: number;
      /** A kind or an x402 reason, never other text of the backend. */
      readonly error?: string;
    }
  | {
      readonly event: 'backend_circuit';
      readonly network: Network;
      readonly backend: string;
      readonly state: 'closed' | 'open' | 'half_open';
    }
  | MarkRejected
  | {
      readonly event: 'relay_mined';
      readonly network: Network;
      readonly payments: number;
      readonly gasUsed: bigint;
      /** Wei. */
      readonly fee: bigint;
    };

/**
 * A backend called a bound payment not valid yet, although its `validAfter` is in 2005. Operators get an alert, because bound payments now
 * depend on other backends.
 */
export type MarkRejected = {
  readonly event: 'backend_rejects_bound';
  readonly network: Network;
  readonly backend: string;
  readonly error: string;
};

/** Emits an event. Never throws, and no caller waits for it. */
export type Emit = (event: SettlementEvent) => void;

type Metrics = Pick<AnalyticsEngineDataset, 'writeDataPoint'>;

/** Bytes of one blob of a data point, at most. */
const MAX_BLOB = 200;
/** Written if age or duration are unknown: the columns hold numbers only. */
const UNKNOWN = -1;

/**
 * Writes a data point per event, and a log line for the events that an operator may act on. `docs/operations.md` defines the columns;
 * their order never changes, because stored queries depend on it.
 */
export const openEmit =
  ({ METRICS: metrics }: { readonly METRICS: Metrics }): Emit =>
  (event) => {
    try {
      log(event);
      metrics.writeDataPoint(pointOf(event));
    } catch {
      // Metrics must never interrupt settlement.
    }
  };

/** The optional fields of an event. */
type Fields = {
  readonly backend?: string;
  readonly error?: string;
  readonly amount?: bigint;
  readonly age?: Seconds;
  readonly milliseconds?: number;
  readonly payments?: number;
  readonly gasUsed?: bigint;
  readonly fee?: bigint;
};

const pointOf = (event: SettlementEvent): AnalyticsEngineDataPoint => {
  const fields: Fields = event;
  return {
    // Analytics Engine samples by index: a frequent event never crowds out a rare one.
    indexes: [event.event],
    blobs: [event.event, event.network, fields.backend, outcomeOf(event), fields.error].map(
      (text) => (text ?? '').slice(0, MAX_BLOB),
    ),
    doubles: [
      Number(fields.amount ?? 0),
      fields.age ?? UNKNOWN,
      fields.milliseconds ?? UNKNOWN,
      fields.payments ?? 0,
      Number(fields.gasUsed ?? 0),
      Number(fields.fee ?? 0),
    ],
  };
};

const outcomeOf = (event: SettlementEvent): string => {
  if (event.event === 'backend_circuit') return event.state;
  return event.event === 'backend_answered' ? (event.ok ? 'ok' : 'error') : '';
};

/** Logs failures, changes of a backend's state, and what gas was spent on. */
const log = (event: SettlementEvent): void => {
  switch (event.event) {
    case 'payment_failed':
      return console.warn(lineOf(event));
    case 'backend_answered':
      return event.ok ? undefined : console.warn(lineOf(event));
    case 'backend_rejects_bound':
      return console.error(lineOf(event));
    case 'backend_circuit':
      return event.state === 'open' ? console.warn(lineOf(event)) : console.log(lineOf(event));
    case 'relay_mined':
      return console.log(lineOf(event));
    case 'payment_accepted':
    case 'payment_facilitated':
    case 'payment_settled':
    case 'payment_released':
  }
};

/** JSON has no bigint. */
const lineOf = (event: SettlementEvent): Readonly<Record<string, string | number | boolean>> =>
  Object.fromEntries(
    Object.entries(event).map(([name, value]) => [
      name,
      typeof value === 'bigint' ? value.toString() : value,
    ]),
  );
