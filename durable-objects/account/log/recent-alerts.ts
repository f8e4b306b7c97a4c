import type { Seconds } from '../../../src/core/clock.ts';
import type { AccountState } from '../state.ts';

/** The same thing is said once in this time. */
const ALERT_PAUSE: Seconds = 600;
/** Things said lately that are remembered: they stand in the one row that every commit writes. */
const MAX_REMEMBERED = 64;

/**
 * Remembers that something is said now that comes from outside; undefined where it was said a short while ago. The oldest is forgotten
 * for it.
 */
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

/** As `raisedNow`, of what calls can bring about at will: nothing is forgotten for it, or more than are remembered would be said each time. */
export const raisedOnce = (
  state: AccountState,
  key: string,
  now: Seconds,
): AccountState | undefined =>
  liveOf(state, now).length < MAX_REMEMBERED ? raisedNow(state, key, now) : undefined;

const liveOf = ({ tree }: AccountState, now: Seconds): readonly (readonly [string, Seconds])[] =>
  Object.entries(tree.alerts ?? {}).filter(([, at]) => now < at + ALERT_PAUSE);
