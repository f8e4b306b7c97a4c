import { signal, type Signal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import type { Management } from '../../../client/management.ts';
import { gateway } from '../gateway/gateway.ts';
import { type Query, readChange, readNow } from './query-read.ts';
import { gatewayNow } from '../gateway/gateway-clock.ts';
import { sessionMemory } from './session-memory.ts';

const EMPTY: Query<never> = {
  data: undefined,
  at: undefined,
  isReading: false,
  problem: undefined,
};

/** A query, the number of its readers, and the function that reads it again after a change. */
export type Read<T> = Query<T> & { readonly seconds: number; readonly refresh: () => void };

/** Results by key, so that a page that is opened again shows its last result while it reads. */
const keptResults = sessionMemory(() => new Map<string, Signal<Query<unknown>>>());
const MAX_RESULTS = 1000;

const resultOf = <T>(key: string): Signal<Query<T>> => {
  const results = keptResults();
  const found = results.get(key) ?? signal<Query<unknown>>(EMPTY);
  // The newest result is the last one, so forget the first.
  results.delete(key);
  if (results.size >= MAX_RESULTS) results.delete([...results.keys()][0] ?? '');
  results.set(key, found);
  return found as unknown as Signal<Query<T>>;
};

/** How often a list is read again: an entry is in D1 after about two seconds, so a call appears within 15 seconds. */
export const LIST_SECONDS = 10;

/**
 * Reads data for a page, and again every `seconds` while the tab is visible.
 *
 * @param key names the data, with every filter
 * @param most rows to read. If the number changes, the page reads again, and shows the old rows meanwhile
 */
export const useQuery = <T>(
  key: string,
  read: (management: Management, signal: AbortSignal) => Promise<T>,
  seconds = LIST_SECONDS,
  most = 0,
): Read<T> => {
  // A page of many rows may have more results than the limit: do not forget results that it shows.
  const result = useMemo(() => resultOf<T>(key), [key]);
  const management = gateway.value;
  const reading =
    management &&
    (async (abort: AbortSignal) => ({ data: await read(management, abort), at: gatewayNow() }));
  useEffect(() => {
    const abort = new AbortController();
    const again = (): void => {
      if (document.visibilityState === 'visible' && reading !== undefined)
        void readNow(result, reading, abort.signal);
    };
    again();
    const timer = setInterval(again, seconds * 1000);
    document.addEventListener('visibilitychange', again);
    return () => {
      abort.abort();
      clearInterval(timer);
      document.removeEventListener('visibilitychange', again);
      result.value = { ...result.value, isReading: false };
    };
    // `read` is a new function in each render, so `key` identifies the data.
  }, [result, seconds, most, management]);
  return {
    ...result.value,
    seconds,
    refresh: () => void (reading && readChange(result, reading)),
  };
};
