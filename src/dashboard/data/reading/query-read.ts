import type { Signal } from '@preact/signals';
import type { Seconds } from '../../../core/clock.ts';
import { isWithheld, type Problem, problemOf } from '../gateway/problem.ts';

/** Data of a page, and their age. A failed refresh keeps the data, unless the account may no longer read them. */
export type Query<T> = {
  readonly data: T | undefined;
  /** When the data were read, by the gateway's clock. */
  readonly at: Seconds | undefined;
  readonly isReading: boolean;
  readonly problem: Problem | undefined;
};

/** Reads data, and returns the time of the read by the gateway's clock. */
type Reading<T> = (signal: AbortSignal) => Promise<{ readonly data: T; readonly at: Seconds }>;

/** Results that changed at the gateway while they were being read. */
const changed = new WeakSet<Signal<unknown>>();

/** Reads now. Concurrent reads of one result share one request. */
export const readNow = async <T>(
  result: Signal<Query<T>>,
  read: Reading<T>,
  abort: AbortSignal,
): Promise<void> => {
  if (result.value.isReading) return;
  changed.delete(result);
  result.value = { ...result.value, isReading: true };
  try {
    const { data, at } = await read(abort);
    // The cleanup that aborted this read has already reset the state, and the next read may have begun.
    if (abort.aborted) return;
    result.value = { data, at, isReading: false, problem: undefined };
  } catch (thrown) {
    const problem = await problemOf(thrown);
    if (abort.aborted) return;
    const kept = isWithheld(problem) ? { data: undefined, at: undefined } : result.value;
    result.value = { ...kept, isReading: false, problem };
  }
  if (changed.has(result)) await readNow(result, read, abort);
};

/**
 * Reads the state after a change.
 *
 * Race: a read that is running may have begun before the change, and show the earlier state. Then another read follows it.
 */
export const readChange = async <T>(result: Signal<Query<T>>, read: Reading<T>): Promise<void> => {
  if (result.value.isReading) changed.add(result);
  else await readNow(result, read, new AbortController().signal);
};
