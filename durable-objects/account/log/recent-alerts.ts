import type { Seconds } from '../../../src/core/clock.ts';
import type { AccountState } from '../state.ts';

/** The same alert is raised once in this time. */
const ALERT_PAUSE: Seconds = 600;
/** Alerts that are remembered: every commit stores them. */
const MAX_REMEMBERED = 64;

/** Remembers an alert from outside; undefined if it was raised lately. The oldest is forgotten for it. */
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

/** As `raisedNow`, for alerts that calls can cause at will: forgets none, because the forgotten ones would be raised again each time. */
export const raisedOnce = (
  state: AccountState,
  key: string,
  now: Seconds,
): AccountState | undefined =>
  liveOf(state, now).length < MAX_REMEMBERED ? raisedNow(state, key, now) : undefined;

const liveOf = ({ tree }: AccountState, now: Seconds): readonly (readonly [string, Seconds])[] =>
  Object.entries(tree.alerts ?? {}).filter(([, at]) => now < at + ALERT_PAUSE);
