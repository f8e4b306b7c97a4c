import type { Network } from '../../protocol/account-id.ts';
import type { Seconds } from '../../core/clock.ts';
import type { Observe } from '../telemetry.ts';
import type { BackendHealth } from './backend.ts';
import {
  afterFault,
  afterPromise,
  afterSuccess,
  beginProbe,
  type Circuit,
  CLOSED,
  type Company,
  dueAt,
  type Standing,
  standingOf,
} from './circuit.ts';
import type { Clock } from './clock.ts';
import type { Lesson } from './backend-answer.ts';

/** The health of one backend on one network, in this isolate. */
export type Health = {
  standing(): Standing;
  isClosed(): boolean;
  /** When it may be tried; undefined where it may be asked now. */
  until(): Seconds | undefined;
  /** One payment tries it now. */
  probe(): void;
  /** `retryAfter`: with a fault, how long it wants to be left alone. */
  learn(lesson: Lesson, error?: string, retryAfter?: Seconds): void;
  report(): BackendHealth;
};

export const openHealth = (
  who: { readonly network: Network; readonly backend: string },
  {
    clock,
    observe,
    company,
  }: {
    readonly clock: Clock;
    readonly observe: Observe;
    readonly company: () => Company;
  },
): Health => {
  let circuit = CLOSED;
  let counts: Omit<BackendHealth, 'network' | 'backend' | 'state'> = { succeeded: 0, failed: 0 };
  const seconds = (): Seconds => Math.floor(clock.now() / 1_000);
  const standing = (): Standing => standingOf(circuit, seconds(), company());
  const become = (next: Circuit): void => {
    const before = circuit.state;
    circuit = next;
    if (next.state !== before) observe({ event: 'backend_circuit', ...who, state: next.state });
  };
  return {
    standing,
    isClosed: () => circuit.state === 'closed',
    until: () => (standing() === 'down' ? dueAt(circuit, company()) : undefined),
    probe: () => become(beginProbe(circuit, seconds())),
    learn: (lesson, error, retryAfter) => {
      const now = seconds();
      switch (lesson) {
        case 'open':
          return become(afterPromise(circuit, now));
        case 'good':
          counts = { ...counts, succeeded: counts.succeeded + 1 };
          return become(afterSuccess(circuit));
        case 'fault':
          counts = {
            ...counts,
            failed: counts.failed + 1,
            lastErrorAt: now,
            ...(error === undefined ? {} : { lastError: error }),
          };
          return become(afterFault(circuit, now, company(), retryAfter));
      }
    },
    report: () => ({ ...who, state: circuit.state, ...counts }),
  };
};
