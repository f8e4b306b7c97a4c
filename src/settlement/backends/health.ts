import type { Clock, Seconds } from '../../core/clock.ts';
import type { Network } from '../../protocol/account-id.ts';
import type { Emit } from '../telemetry.ts';
import {
  afterFault,
  afterSuccess,
  afterUndecided,
  type Alternatives,
  type Availability,
  availabilityOf,
  beginProbe,
  type Circuit,
  CLOSED,
  dueAt,
} from './circuit.ts';

/** The effect of a presentation on its backend's health. `undecided`: later observations decide. */
export type HealthSignal = 'success' | 'fault' | 'undecided';

/** The health of a backend, as this isolate sees it and D1 keeps it. */
export type BackendHealth = {
  readonly network: Network;
  readonly backend: string;
  readonly state: Circuit['state'];
  readonly succeeded: number;
  readonly failed: number;
  readonly lastError?: string;
  readonly lastErrorAt?: Seconds;
};

/** The health of one backend on one network, in this isolate. */
export type Health = {
  availability(): Availability;
  isClosed(): boolean;
  /** When it may be tried again; undefined if it may be tried now. */
  until(): Seconds | undefined;
  /** Marks that one payment probes it now. */
  probe(): void;
  /**
   * Records the signal of a presentation. `error`: a kind or an x402 reason. `retryAfter`: with a fault, the pause that the backend
   * requested.
   */
  record(signal: HealthSignal, error?: string, retryAfter?: Seconds): void;
  report(): BackendHealth;
};

export const openHealth = (
  key: { readonly network: Network; readonly backend: string },
  {
    clock,
    emit,
    alternatives,
  }: {
    readonly clock: Clock;
    readonly emit: Emit;
    readonly alternatives: () => Alternatives;
  },
): Health => {
  let circuit = CLOSED;
  let counts: Omit<BackendHealth, 'network' | 'backend' | 'state'> = { succeeded: 0, failed: 0 };
  const seconds = (): Seconds => Math.floor(clock.now() / 1_000);
  const availability = (): Availability => availabilityOf(circuit, seconds(), alternatives());
  const become = (next: Circuit): void => {
    const before = circuit.state;
    circuit = next;
    if (next.state !== before) emit({ event: 'backend_circuit', ...key, state: next.state });
  };
  return {
    availability,
    isClosed: () => circuit.state === 'closed',
    until: () => (availability() === 'down' ? dueAt(circuit, alternatives()) : undefined),
    probe: () => become(beginProbe(circuit, seconds())),
    record: (signal, error, retryAfter) => {
      const now = seconds();
      switch (signal) {
        case 'undecided':
          return become(afterUndecided(circuit, now));
        case 'success':
          counts = { ...counts, succeeded: counts.succeeded + 1 };
          return become(afterSuccess(circuit));
        case 'fault':
          counts = {
            ...counts,
            failed: counts.failed + 1,
            lastErrorAt: now,
            ...(error === undefined ? {} : { lastError: error }),
          };
          return become(afterFault(circuit, now, alternatives(), retryAfter));
      }
    },
    report: () => ({ ...key, state: circuit.state, ...counts }),
  };
};
