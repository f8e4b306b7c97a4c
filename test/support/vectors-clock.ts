import { afterEach, beforeEach, vi } from 'vitest';
import vectors from '../vectors/countersign-v1.json' with { type: 'json' };

/** Stops `Date` at the clock of the vectors before each test of a file. Restores it and stubbed globals afterwards. */
export const useVectorsClock = (): void => {
  beforeEach(() => {
    vi.useFakeTimers({ now: vectors.clock * 1000, toFake: ['Date'] });
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });
};
