import { createBoundedMap } from '../../src/core/bounded-map.ts';
import type { Seconds } from '../../src/core/clock.ts';
import type {
  EndedSessions,
  SessionEnd,
  SessionRequest,
  SessionVerdict,
} from '../../src/protocol/account/session.ts';
import { put } from '../store/noun.ts';
import type { Reader } from '../store/query.ts';
import { spendBudget } from './commands/command-budget.ts';
import { type Context, type Decision, stored, unstored } from './decision.ts';
import { ENDED_SESSION, type EndedSession } from './ended-session.ts';
import type { AccountState } from './state.ts';
import { exists } from './tree/ancestors.ts';

/** Signatures that one object remembers. At most 90 s after it was made, each is refused as expired. */
const KEPT_SIGNATURES = 4096;

/** Remembers the signatures of sessions in memory only: reading must not write. */
export type SessionGate = {
  readonly admit: (read: Reader, request: SessionRequest, now: Seconds) => SessionVerdict;
  /** Ends a session in memory, for an account that stores nothing. */
  readonly end: (ended: EndedSession) => void;
  /** The budget that an operator without an account has used, in memory: only its own wallet can use it. */
  readonly spent: { commands?: AccountState['tree']['commands'] };
  /** The newest requests of sessions that begin in the future, because the clock of their browser is ahead. */
  readonly early: (now: Seconds) => readonly SessionRequest[];
};

/**
 * Opens the gate of an account.
 *
 * @param woke when the object began. A signature from before may have been used already, so the browser must sign again.
 */
export const openSessionGate = (woke: Seconds): SessionGate => {
  const used = new Map<string, SessionRequest>();
  const ended = createBoundedMap<string, EndedSession>(KEPT_SIGNATURES);
  /** A signature that was made before may have been used and forgotten. */
  let floor = woke;

  const isEnded = (read: Reader, { key, begun }: SessionRequest): boolean =>
    ended.get(key) !== undefined ||
    read.get(ENDED_SESSION, key) !== undefined ||
    [ended.get('all'), read.get(ENDED_SESSION, 'all')].some(
      (all) => all !== undefined && begun <= all.at,
    );

  /** Forgets expired signatures, and the oldest one if there are too many. */
  const forget = (now: Seconds): void => {
    for (const [id, { created, until }] of used) {
      if (now < until && used.size < KEPT_SIGNATURES) return;
      if (now < until) floor = Math.max(floor, created + 1);
      used.delete(id);
    }
  };

  return {
    admit: (read, request, now) => {
      if (isEnded(read, request)) return { verdict: 'ended' };
      const id = `${request.key} ${request.nonce}`;
      if (used.has(id)) return { verdict: 'repeat' };
      // A signature from the future could be replayed after the object was evicted and has woken again.
      if (request.created < floor || request.created > now) return { verdict: 'again' };
      forget(now);
      used.set(id, request);
      return { verdict: 'admitted' };
    },
    end: (session) => ended.set(session.key, session),
    spent: {},
    early: (now) => [...used.values()].filter(({ begun }) => begun > now),
  };
};

/**
 * Stores the end of one session, or of all sessions that were used or began until now. An account that neither exists nor belongs to an
 * operator has nothing to read, so its object keeps the end only in memory.
 *
 * Attack: a wallet signs sessions for nothing, and each end costs a row. So these rows have a budget, including those of an operator
 * without an account, and ending a session twice adds no row.
 */
export const endSession = (
  state: AccountState,
  { key, until, isOperator }: SessionEnd,
  gate: SessionGate,
  context: Pick<Context, 'now' | 'commandBytes' | 'read'>,
): Decision<EndedSessions> => {
  const { now, read } = context;
  const isStored = isOperator || exists(state);
  if (isStored && key !== 'all' && read.get(ENDED_SESSION, key) !== undefined) {
    return unstored(state, { verdict: 'ok' });
  }
  // A session of a browser whose clock is ahead begins after a cut at `now`, so that its key is ended by name.
  const early = (key === 'all' ? gate.early(now) : []).map(({ key: own, begun }) => ({
    key: own,
    at: now,
    until: until + begun - now,
  }));
  const rows = [
    ...new Map([{ key, at: now, until }, ...early].map((each) => [each.key, each])).values(),
  ];
  const bytes = rows.reduce((sum, each) => sum + ENDED_SESSION.encode(each).length, 0);
  const { commands } = exists(state) ? state.tree : gate.spent;
  const payer = { ...state, tree: { ...state.tree, ...(commands && { commands }) } };
  const spent = isStored ? spendBudget(payer, 'session', bytes, context) : { state };
  if ('fault' in spent) return unstored(state, { verdict: 'refused', fault: spent.fault });
  if (isStored && !exists(state)) gate.spent.commands = spent.state.tree.commands;
  for (const each of rows) gate.end(each);
  const decision = exists(state)
    ? stored(spent.state, { verdict: 'ok' } as const)
    : unstored(state, { verdict: 'ok' } as const);
  return isStored
    ? { ...decision, writes: [...decision.writes, ...rows.map((each) => put(ENDED_SESSION, each))] }
    : decision;
};
