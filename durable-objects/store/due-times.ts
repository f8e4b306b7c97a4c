import type { Seconds } from '../../src/core/clock.ts';

/** The next time of each key, in order: a commit must not look at thousands of calls to know which one is due first. */
export type DueTimes<Key> = {
  /** Sets the time of a key; undefined removes it. */
  set(key: Key, at: Seconds | undefined): void;
  /** The earliest time; undefined if there is none. */
  earliest(): Seconds | undefined;
  /** Removes and returns at most this many keys whose time has come, earliest first. */
  take(now: Seconds, most?: number): readonly Key[];
};

type Timed<Key> = { readonly key: Key; readonly at: Seconds };

/** A binary heap. A key that was set again leaves its older times in the heap; they are dropped when they come to the top. */
export const openDueTimes = <Key>(): DueTimes<Key> => {
  const times = new Map<Key, Seconds>();
  let heap: Timed<Key>[] = [];

  const atOf = (index: number): Seconds => heap[index]?.at ?? Infinity;

  const push = (timed: Timed<Key>): void => {
    let index = heap.push(timed) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || above.at <= timed.at) break;
      heap[index] = above;
      index = parent;
    }
    heap[index] = timed;
  };

  const pop = (): void => {
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      const least = atOf(left + 1) < atOf(left) ? left + 1 : left;
      const below = heap[least];
      if (below === undefined || below.at >= last.at) break;
      heap[index] = below;
      index = least;
    }
    heap[index] = last;
  };

  /** The earliest time that is still the time of its key. */
  const top = (): Timed<Key> | undefined => {
    for (let first = heap[0]; first !== undefined; first = heap[0]) {
      if (times.get(first.key) === first.at) return first;
      pop();
    }
    return undefined;
  };

  return {
    set(key, at) {
      if (at === undefined) {
        times.delete(key);
        return;
      }
      if (times.get(key) === at) return;
      times.set(key, at);
      push({ key, at });
      // Most of the heap is outdated times: rebuild it, so that its size stays proportional to the number of keys.
      if (heap.length <= 64 + 2 * times.size) return;
      heap = [];
      for (const [each, time] of times) push({ key: each, at: time });
    },
    earliest: () => top()?.at,
    take(now, most = Infinity) {
      const due: Key[] = [];
      for (let first = top(); first !== undefined && first.at <= now; first = top()) {
        if (due.length >= most) break;
        times.delete(first.key);
        pop();
        due.push(first.key);
      }
      return due;
    },
  };
};
