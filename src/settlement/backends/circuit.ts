import type { Seconds } from '../../core/clock.ts';

/**
 * Whether a backend may be asked, from what came of asking it. `closed`: it may. `open`: not before `until`. `half_open`: one
 * payment tries it, until `until` at most; the others go elsewhere.
 */
export type Circuit = {
  readonly state: 'closed' | 'open' | 'half_open';
  /** Faults one after another. */
  readonly faults: number;
  /** The last outcomes, the newest last; true is a fault. */
  readonly recent: readonly boolean[];
  /** When it opened, and of `half_open` when the probe went out. */
  readonly since: Seconds;
  /** Of `open` and `half_open`. */
  readonly until: Seconds;
  /** How long it is left alone, or was when it last opened. */
  readonly pause: Seconds;
  /** Until when it asked to be left alone itself. */
  readonly wish: Seconds;
};

/** May be asked by anyone; by one; by nobody. */
export type Standing = 'up' | 'probe' | 'down';

const MOST_FAULTS = 3;
/**
 * Where nobody else can be asked, leaving a backend alone that works now and then would refuse what could be served, and a few payers
 * whose payments fail on purpose would close the door for all. Only one that does nothing at all is given a rest.
 */
const MOST_FAULTS_ALONE = 10;
/** Half of the last twenty: a backend that fails every second time never fails three times in a row. */
const RECENT = 20;
const MOST_RECENT_FAULTS = 10;
const FIRST_PAUSE: Seconds = 5;
const LONGEST_PAUSE: Seconds = 300;
const LONGEST_ALONE: Seconds = 15;
/** A probe that was cancelled with its request never reports: after this long another one goes out. */
const PROBE_LEASE: Seconds = 60;

export const CLOSED: Circuit = {
  state: 'closed',
  faults: 0,
  recent: [],
  since: 0,
  until: 0,
  pause: 0,
  wish: 0,
};

/** Whether anybody else may be asked instead. */
export type Company = 'others' | 'alone';

/** From when it may be tried. Where nobody else is, long pauses help nobody: payments wait, and their deadlines near. */
export const dueAt = ({ state, since, until, wish }: Circuit, company: Company): Seconds =>
  state === 'open' && company === 'alone'
    ? Math.max(wish, Math.min(until, since + LONGEST_ALONE))
    : until;

export const standingOf = (circuit: Circuit, now: Seconds, company: Company): Standing => {
  if (circuit.state === 'closed') return 'up';
  return now >= dueAt(circuit, company) ? 'probe' : 'down';
};

/** The one payment that tries a backend whose pause is over. */
export const beginProbe = (circuit: Circuit, now: Seconds): Circuit => ({
  ...circuit,
  state: 'half_open',
  since: now,
  until: now + PROBE_LEASE,
});

/** It was asked, and only the chain will say whether it does what it says: the next one may try it, too. */
export const afterPromise = (circuit: Circuit, now: Seconds): Circuit =>
  circuit.state === 'half_open' ? { ...circuit, until: now } : circuit;

/** It did what it was asked, or told what is wrong with the payment. What was asked before it opened does not close it. */
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
 * A fault of the backend. `retryAfter`: it asked to be left alone that long, or is known to be of no use before; it is, within
 * bounds: nobody may shut himself out for ever with a header, nor come back before the shortest pause.
 */
export const afterFault = (
  circuit: Circuit,
  now: Seconds,
  company: Company,
  retryAfter?: Seconds,
): Circuit => {
  // Others of the same moment, which were under way when it opened: they say nothing new.
  if (circuit.state === 'open' && now < circuit.until) {
    return retryAfter === undefined ? circuit : openedFor(circuit, now, retryAfter);
  }
  if (retryAfter !== undefined) return openedFor(circuit, now, retryAfter);
  if (circuit.state !== 'closed') return opened(circuit, now, circuit.pause * 2);
  const faults = circuit.faults + 1;
  const recent = remembered(circuit, true);
  return isTooMuch(faults, recent, company)
    ? opened(circuit, now, FIRST_PAUSE)
    : { ...circuit, faults, recent };
};

const isTooMuch = (faults: number, recent: readonly boolean[], company: Company): boolean =>
  company === 'alone'
    ? faults >= MOST_FAULTS_ALONE
    : faults >= MOST_FAULTS || recent.filter(Boolean).length >= MOST_RECENT_FAULTS;

const remembered = ({ recent }: Circuit, isFault: boolean): readonly boolean[] =>
  [...recent, isFault].slice(-RECENT);

const bounded = (pause: Seconds): Seconds => Math.min(LONGEST_PAUSE, Math.max(FIRST_PAUSE, pause));

const opened = (circuit: Circuit, now: Seconds, wanted: Seconds): Circuit => {
  const pause = bounded(wanted);
  return { ...left(circuit), since: now, until: now + pause, pause };
};

/** A wish of the backend's own leaves the doubling where it was. */
const openedFor = (circuit: Circuit, now: Seconds, retryAfter: Seconds): Circuit => {
  const wish = now + bounded(retryAfter);
  const until = circuit.state === 'open' ? Math.max(circuit.until, wish) : wish;
  return { ...left(circuit), since: now, until, pause: bounded(circuit.pause), wish };
};

const left = (circuit: Circuit): Circuit => ({
  ...circuit,
  state: 'open',
  faults: circuit.faults + 1,
  recent: [],
});
