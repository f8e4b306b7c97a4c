import type { Seconds } from '../../../src/core/clock.ts';
import type { AccountState } from '../state.ts';

/** The same alert is raised once in this time. */
const ALERT_PAUSE: Seconds = 600;
/** How many alerts to remember; every commit stores them all. */
const MAX_REMEMBERED = 64;

/** Remembers an alert that was raised outside the account, and forgets the oldest one; undefined if it was raised lately. */
export const raisedNow = (
  state: AccountState,
  key: string,
  now: Seconds,
): AccountState | undefined => {
  const live = liveOf(state, now);
  if (live.some(([each]) => each === key)) return undefined;
  const alerts = Object.fromEntries([...live.slice(1 - MAX_REMEMBERED), [key, now]]);
  return { ...state, tree: { ...state.tree, alerts } };
};

/** As `raisedNow`, for alerts that callers can cause at will. Forgets none: forgotten alerts could be raised again and again. */
export const raisedOnce = (
  state: AccountState,
  key: string,
  now: Seconds,
): AccountState | undefined =>
  liveOf(state, now).length < MAX_REMEMBERED ? raisedNow(state, key, now) : undefined;

const liveOf = ({ tree }: AccountState, now: Seconds): readonly (readonly [string, Seconds])[] =>
  Object.entries(tree.alerts ?? {}).filter(([, at]) => now < at + ALERT_PAUSE);
