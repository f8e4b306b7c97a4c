import type { Seconds } from '../core/clock.ts';
import type { Observe, SettlementEvent } from './telemetry.ts';

/** Where points go; missing where an older deployment has no binding. */
type Metrics = Pick<AnalyticsEngineDataset, 'writeDataPoint'>;

/** What a dataset takes of one point. Its sizes are bytes. */
const MAX_BLOB = 200;
/** An age or a time that is not known: the columns hold numbers only. */
const UNKNOWN = -1;

/**
 * Tells operators what happens to money: a point an event, and a line for those that somebody may have to act on. `docs/operations.md`
 * says what each column means, and they never change their places: queries of years stand on them.
 */
export const openObserver =
  ({ METRICS: metrics }: { readonly METRICS?: Metrics | undefined }): Observe =>
  (event) => {
    try {
      log(event);
      metrics?.writeDataPoint(pointOf(event));
    } catch {
      // Whoever watches must never be in the way of what is watched.
    }
  };

/** What an event may say besides its name and its network. */
type Said = {
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
  const said: Said = event;
  return {
    // Sampled by kind: what is common never crowds out what is rare.
    indexes: [event.event],
    blobs: [event.event, event.network, said.backend, outcomeOf(event), said.error].map((text) =>
      (text ?? '').slice(0, MAX_BLOB),
    ),
    doubles: [
      Number(said.amount ?? 0),
      said.age ?? UNKNOWN,
      said.milliseconds ?? UNKNOWN,
      said.payments ?? 0,
      Number(said.gasUsed ?? 0),
      Number(said.fee ?? 0),
    ],
  };
};

const outcomeOf = (event: SettlementEvent): string => {
  if (event.event === 'backend_circuit') return event.state;
  return event.event === 'backend_answered' ? (event.ok ? 'ok' : 'error') : '';
};

/** Every payment is a point; a line only what went wrong, what changed for all, and what was paid for. */
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
