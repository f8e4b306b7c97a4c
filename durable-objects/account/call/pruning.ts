import type { Hex } from '../../../src/core/hex.ts';
import type { Seconds } from '../../../src/core/clock.ts';
import type { Disk } from '../../store/disk.ts';
import { remove, type Write } from '../../store/noun.ts';
import { CALL } from './call-noun.ts';
import { IDENTIFIER } from './identifier.ts';

/** The calls that one step reads. The account answers no request meanwhile, and it may remember a million calls. */
const STEP = 2_000;
/** The pause before the next step of a longer walk: the walk can delete a thousand calls a second, more than an account can accept. */
const STEP_PAUSE: Seconds = 2;
/** The pause before calls that wait for their export are read again. */
const BLOCKED_PAUSE: Seconds = 300;
/** The next walk begins after this pause at the latest, and finds calls that ended behind the position of this one. */
const WALK_PAUSE: Seconds = 3_600;

/**
 * Runs one step of pruning.
 *
 * @param exported every entry up to this seq is in D1.
 * @param due when the next call is known to be over.
 * @returns when to prune again; undefined if no remaining call will be deleted.
 */
export type Pruning = (
  now: Seconds,
  exported: number,
  due: Seconds | undefined,
) => Seconds | undefined;

/**
 * Deletes calls whose time is over and whose entries D1 has. An index on that time would cost two rows a call, and rows are the bill. So
 * the calls are walked in the order of their keys, a step each time the alarm fires, and only while something is due.
 */
export const openCallPruning = (disk: Disk, step: number = STEP): Pruning => {
  /** The last call that this walk has passed; undefined between walks. */
  let after: Hex | undefined;
  /** The earliest time at which a call that the walk has passed can be deleted. */
  let soonest: Seconds | undefined;
  /** Whether one walk has read all calls since the account woke. */
  let hasWalked = false;

  return (now, exported, due) => {
    // The alarm also fires for other work, so a walk that pauses checks its own time.
    const isLater = due !== undefined && due > now;
    if (after === undefined ? hasWalked && (due === undefined || isLater) : isLater) return due;
    if (after === undefined) soonest = undefined;
    const seen = [...disk.list(CALL, { where: [['key', '>', after ?? '']], limit: step })];
    const removals: Write[] = [];
    for (const { key, prune_at: pruneAt, last_seq: lastSeq, identifier } of seen) {
      if (pruneAt === null) continue;
      // A call whose entries D1 does not have yet must stay. Checking it every second would cost a row each time.
      if (Number(lastSeq) > exported) soonest = earlier(soonest, now + BLOCKED_PAUSE);
      else if (Number(pruneAt) > now) soonest = earlier(soonest, Number(pruneAt));
      else {
        removals.push(remove(CALL, key));
        if (identifier !== null) removals.push(remove(IDENTIFIER, identifier));
      }
    }
    if (removals.length > 0) disk.write(removals);
    if (seen.length === step) {
      after = seen.at(-1)?.key as Hex;
      return now + STEP_PAUSE;
    }
    const wasLong = after !== undefined;
    after = undefined;
    hasWalked = true;
    return wasLong ? earlier(soonest, now + WALK_PAUSE) : soonest;
  };
};

const earlier = (one: Seconds | undefined, other: Seconds): Seconds =>
  one === undefined ? other : Math.min(one, other);
