import { signal, type Signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { CountersignError } from '../../client/errors.ts';
import type { Management } from '../../client/management.ts';
import type { Seconds } from '../../core/clock.ts';
import { gateway } from './gateway.ts';
import { gatewayNow } from './reader.ts';

/** Data of a page, and how old they are. A failed refresh keeps what is there. */
export type Query<T> = {
  readonly data: T | undefined;
  /** When the data were read, by the gateway's clock. */
  readonly at: Seconds | undefined;
  readonly isReading: boolean;
  readonly problem:
    | {
        /** The `type` of a problem of the gateway. */
        readonly type?: string | undefined;
        readonly detail: string;
        readonly hint: string;
      }
    | undefined;
};

const EMPTY: Query<never> = {
  data: undefined,
  at: undefined,
  isReading: false,
  problem: undefined,
};

/** Results by key, so that a page that is opened again shows what it showed last while it reads. */
const results = new Map<string, Signal<Query<unknown>>>();
const MAX_RESULTS = 200;

const resultOf = <T>(key: string): Signal<Query<T>> => {
  const known = results.get(key);
  if (known !== undefined) return known as unknown as Signal<Query<T>>;
  if (results.size >= MAX_RESULTS) results.delete([...results.keys()][0] ?? '');
  const made = signal<Query<T>>(EMPTY);
  results.set(key, made as unknown as Signal<Query<unknown>>);
  return made;
};

/** What was read belongs to the account that was signed in. */
export const forgetResults = (): void => results.clear();

export const problemOf = (thrown: unknown): NonNullable<Query<unknown>['problem']> => {
  if (thrown instanceof CountersignError) {
    const { problem } = thrown;
    return { type: problem?.type, detail: thrown.message, hint: problem?.hint ?? thrown.hint };
  }
  return {
    detail: thrown instanceof Error ? thrown.message : 'The request failed.',
    hint: 'Check the connection, then try again.',
  };
};

/** Reads now. Concurrent reads of one key are one. */
const refresh = async <T>(
  result: Signal<Query<T>>,
  read: (management: Management, signal: AbortSignal) => Promise<T>,
  abort: AbortSignal,
): Promise<void> => {
  const management = gateway.value;
  if (management === undefined || result.value.isReading) return;
  result.value = { ...result.value, isReading: true };
  try {
    const data = await read(management, abort);
    result.value = { data, at: gatewayNow(), isReading: false, problem: undefined };
  } catch (thrown) {
    const problem = abort.aborted ? result.value.problem : problemOf(thrown);
    result.value = { ...result.value, isReading: false, problem };
  }
};

/** How often a list of all accounts is read again: its chunks arrive about that often. */
export const LIST_SECONDS = 15;

/**
 * Reads data for a page, and again every `seconds` while the tab is visible.
 *
 * @param key names what is read, with every filter
 */
export const useQuery = <T>(
  key: string,
  read: (management: Management, signal: AbortSignal) => Promise<T>,
  seconds = LIST_SECONDS,
): Query<T> & { readonly refresh: () => void } => {
  const result = resultOf<T>(key);
  const management = gateway.value;
  useEffect(() => {
    const abort = new AbortController();
    const again = (): void => {
      if (document.visibilityState === 'visible') void refresh(result, read, abort.signal);
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
    // `read` is a new function in each render; `key` says what it reads.
  }, [key, seconds, management]);
  return {
    ...result.value,
    refresh: () => void refresh(result, read, new AbortController().signal),
  };
};
