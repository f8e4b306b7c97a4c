import type { Seconds } from '../../core/clock.ts';

/**
 * The state of a circuit breaker, which decides from past results whether a backend may be tried. `closed`: it may. `open`: not before
 * `until`. `half_open`: one payment probes it, until `until` at most, and the others go elsewhere.
 */
export type Circuit = {
  readonly state: 'closed' | 'open' | 'half_open';
  /** Faults in a row. */
  readonly faults: number;
  /** The last results, the newest last; true is a fault. */
  readonly recent: readonly boolean[];
  /** When it opened; in the state `half_open`, when the probe started. */
  readonly since: Seconds;
  /** The end of the pause or of the probe; 0 while closed. */
  readonly until: Seconds;
  /** The length of the current pause, or of the last one. */
  readonly pause: Seconds;
  /** The end of the pause that the backend itself requested. */
  readonly requestedUntil: Seconds;
};

/** `up`: any payment may go there. `probe`: one may. `down`: none may. */
export type Availability = 'up' | 'probe' | 'down';

const MAX_FAULTS = 3;
/**
 * The threshold if no other backend works. Pausing a backend that works now and then would reject calls that it could settle, and a few
 * payers whose payments fail on purpose would close the gateway for all payers. So only a backend that fails every payment is paused.
 */
const MAX_FAULTS_ALONE = 10;
/** Half of the last twenty: a backend that fails every second time never fails three times in a row. */
const RECENT = 20;
const MAX_RECENT_FAULTS = 10;
const FIRST_PAUSE: Seconds = 5;
const LONGEST_PAUSE: Seconds = 300;
const LONGEST_ALONE: Seconds = 15;
/** A probe that was cancelled with its request never reports: after this long another one starts. */
const PROBE_LEASE: Seconds = 60;

export const CLOSED: Circuit = {
  state: 'closed',
  faults: 0,
  recent: [],
  since: 0,
  until: 0,
  pause: 0,
  requestedUntil: 0,
};

/** Whether another backend of the network works. */
export type Alternatives = 'others' | 'alone';

/**
 * The time at which the backend may be tried again. If no other backend works, pauses are short, because waiting payments approach their
 * deadlines.
 */
export const dueAt = (
  { state, since, until, requestedUntil }: Circuit,
  alternatives: Alternatives,
): Seconds =>
  state === 'open' && alternatives === 'alone'
    ? Math.max(requestedUntil, Math.min(until, since + LONGEST_ALONE))
    : until;

export const availabilityOf = (
  circuit: Circuit,
  now: Seconds,
  alternatives: Alternatives,
): Availability => {
  if (circuit.state === 'closed') return 'up';
  return now >= dueAt(circuit, alternatives) ? 'probe' : 'down';
};

/** One payment probes a backend whose pause is over. */
export const beginProbe = (circuit: Circuit, now: Seconds): Circuit => ({
  ...circuit,
  state: 'half_open',
  since: now,
  until: now + PROBE_LEASE,
});

/** The backend answered, and only the chain will show whether the answer is true: the next payment may probe it, too. */
export const afterUndecided = (circuit: Circuit, now: Seconds): Circuit =>
  circuit.state === 'half_open' ? { ...circuit, until: now } : circuit;

/** The backend settled a payment, or named what is wrong with it. A presentation from before it opened does not close it. */
export const afterSuccess = (circuit: Circuit): Circuit => {
  switch (circuit.state) {
    case 'closed':
      return { ...circuit, faults: 0, recent: remembered(circuit, false) };
    case 'half_open':
      return CLOSED;
    case 'open':
      return circuit;
  }
};

/**
 * The backend failed. `retryAfter` is the pause that it requested, or the time before which it cannot settle. The pause has bounds: a
 * header must neither shut a backend out forever nor bring it back before the shortest pause.
 */
export const afterFault = (
  circuit: Circuit,
  now: Seconds,
  alternatives: Alternatives,
  retryAfter?: Seconds,
): Circuit => {
  // A presentation that started before it opened: its fault adds nothing.
  if (circuit.state === 'open' && now < circuit.until) {
    return retryAfter === undefined ? circuit : openedFor(circuit, now, retryAfter);
  }
  if (retryAfter !== undefined) return openedFor(circuit, now, retryAfter);
  if (circuit.state !== 'closed') return opened(circuit, now, circuit.pause * 2);
  const faults = circuit.faults + 1;
  const recent = remembered(circuit, true);
  return isTooMuch(faults, recent, alternatives)
    ? opened(circuit, now, FIRST_PAUSE)
    : { ...circuit, faults, recent };
};

const isTooMuch = (
  faults: number,
  recent: readonly boolean[],
  alternatives: Alternatives,
): boolean =>
  alternatives === 'alone'
    ? faults >= MAX_FAULTS_ALONE
    : faults >= MAX_FAULTS || recent.filter(Boolean).length >= MAX_RECENT_FAULTS;

const remembered = ({ recent }: Circuit, isFault: boolean): readonly boolean[] =>
  [...recent, isFault].slice(-RECENT);

const bounded = (pause: Seconds): Seconds => Math.min(LONGEST_PAUSE, Math.max(FIRST_PAUSE, pause));

const opened = (circuit: Circuit, now: Seconds, wanted: Seconds): Circuit => {
  const pause = bounded(wanted);
  return { ...pausing(circuit), since: now, until: now + pause, pause };
};

/** A pause that the backend requested does not change the doubling. */
const openedFor = (circuit: Circuit, now: Seconds, retryAfter: Seconds): Circuit => {
  const requestedUntil = now + bounded(retryAfter);
  const until = circuit.state === 'open' ? Math.max(circuit.until, requestedUntil) : requestedUntil;
  return { ...pausing(circuit), since: now, until, pause: bounded(circuit.pause), requestedUntil };
};

const pausing = (circuit: Circuit): Circuit => ({
  ...circuit,
  state: 'open',
  faults: circuit.faults + 1,
  recent: [],
});
