import { afterEach, beforeEach, vi } from 'vitest';
import vectors from '../vectors/countersign-v1.json' with { type: 'json' };

/** Stops `Date` at the vectors' time before each test of a file. Afterwards restores the clock and the stubbed globals. */
export const useVectorsClock = (): void => {
  beforeEach(() => {
    vi.useFakeTimers({ now: vectors.clock * 1000, toFake: ['Date'] });
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });
};
