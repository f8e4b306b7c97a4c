import type { Seconds } from '../../../src/core/clock.ts';
import type { Row } from '../codec.ts';

/** So many calls are looked at in one go: the account answers nobody meanwhile, and one may remember a million. */
const SLICE = 2_000;
/** Until the next go at an account that remembers more than that: a thousand a second may go, more than an account can take. */
const SLICE_PAUSE: Seconds = 2;
/** How long calls that wait for their export are left alone. */
const BLOCKED_PAUSE: Seconds = 300;
/** What was ended behind the walk's back is met by the next, which begins by then. */
const WALK_PAUSE: Seconds = 3_600;

type Run = (query: string, ...bindings: SqlStorageValue[]) => Row[];

/** Of `calls`, with the bindings of `DueCalls`. */
export const DUE = 'id > ? AND id <= ? AND prune_at <= ? AND last_seq <= ?';

/** Calls whose ids are above `from` and up to `last`, that are over at `now` and exported. */
export type DueCalls = readonly [from: string, last: string, now: Seconds, exported: number];

/**
 * Deletes calls whose time is over and whose entries D1 has. An index on that time would cost two rows written a call, and rows are the
 * bill (design §5); so the table is walked in the order of its key, a share each time the alarm rings, and only where something is due.
 *
 * @returns when it wants to be asked again; undefined where nothing is left that will go.
 */
export const openPruning = (
  run: Run,
  forgetDue: (...due: DueCalls) => void,
  share: number = SLICE,
): ((now: Seconds, exported: number, due: Seconds | undefined) => Seconds | undefined) => {
  /** The last id that this walk has passed; undefined between walks. */
  let after: string | undefined;
  /** When the first of those that the walk has passed will go. */
  let soonest: Seconds | undefined;
  /** Since the account woke, the table was walked to its end once. */
  let walked = false;

  return (now, exported, due) => {
    // The alarm rings for much else: a walk pauses until its own time as well.
    const isLater = due !== undefined && due > now;
    if (after === undefined ? walked && (due === undefined || isLater) : isLater) return due;
    const from = after ?? '';
    if (after === undefined) soonest = undefined;
    const [seen] = run(
      'SELECT count(*) AS count, max(id) AS last FROM (SELECT id FROM calls WHERE id > ? ORDER BY id LIMIT ?)',
      from,
      share,
    );
    if (typeof seen?.last === 'string') {
      const range = [from, seen.last] as const;
      forgetDue(...range, now, exported);
      run(`DELETE FROM calls WHERE ${DUE}`, ...range, now, exported);
      const [left] = run(
        `SELECT min(prune_at) FILTER (WHERE last_seq <= ?3) AS next, count(prune_at) FILTER (WHERE last_seq > ?3) AS waiting
         FROM calls WHERE id > ?1 AND id <= ?2`,
        ...range,
        exported,
      );
      // What D1 does not have yet cannot go; asking every second would cost a row each time.
      const blocked = left?.waiting === 0 ? undefined : now + BLOCKED_PAUSE;
      const next = typeof left?.next === 'number' ? left.next : undefined;
      soonest = earlier(soonest, earlier(next, blocked));
      if (seen.count === share) {
        after = seen.last;
        return now + SLICE_PAUSE;
      }
    }
    const wasLong = after !== undefined;
    after = undefined;
    walked = true;
    return wasLong ? earlier(soonest, now + WALK_PAUSE) : soonest;
  };
};

const earlier = (one: Seconds | undefined, other: Seconds | undefined): Seconds | undefined =>
  one === undefined || other === undefined ? (one ?? other) : Math.min(one, other);
