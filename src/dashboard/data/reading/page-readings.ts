import { computed, signal } from '@preact/signals';
import { useEffect, useState } from 'preact/hooks';
import type { Reading } from './readings.ts';

const shown = signal<ReadonlyMap<symbol, Reading>>(new Map());

/** The readings of the page that is open. */
export const pageReadings = computed<readonly Reading[]>(() => [...shown.value.values()]);

/** Counts a reading among those of the page while it is shown. */
export const useReading = ({ at, seconds, problem, refresh }: Reading): void => {
  const [id] = useState(() => Symbol('reading'));
  useEffect(() => {
    shown.value = new Map(shown.peek()).set(id, { at, seconds, problem, refresh });
    // `refresh` is a new function in each render, but always reads the same data.
  }, [at, seconds, problem]);
  useEffect(
    () => () => {
      const rest = new Map(shown.peek());
      rest.delete(id);
      shown.value = rest;
    },
    [],
  );
};
