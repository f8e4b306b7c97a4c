import { vi } from 'vitest';
import type { Seconds } from '../../src/core/clock.ts';

/** A running clock that tests can move forward. The objects run in the tests' isolate, so they read the same clock. */
export type Clock = {
  readonly shift: (seconds: Seconds) => void;
  /** While on, RPC timeouts of objects are 40 times shorter, so that lost answers do not cost minutes. */
  readonly shortenTimeouts: (on: boolean) => void;
  readonly restore: () => void;
};

/** Shorter timeouts belong to the tests and stay unchanged. */
const MIN_TIMEOUT_MS = 3_000;
const DIVISOR = 40;

export const openClock = (): Clock => {
  const now = Date.now.bind(Date);
  const wait = globalThis.setTimeout.bind(globalThis);
  let offset = 0;
  let isShort = false;
  const moved = vi.spyOn(Date, 'now').mockImplementation(() => now() + offset);
  const shortened = vi
    .spyOn(globalThis, 'setTimeout')
    .mockImplementation(((callback: () => void, milliseconds = 0) =>
      wait(
        callback,
        isShort && milliseconds >= MIN_TIMEOUT_MS ? milliseconds / DIVISOR : milliseconds,
      )) as typeof setTimeout);
  return {
    shift(seconds) {
      offset += seconds * 1_000;
    },
    shortenTimeouts(on) {
      isShort = on;
    },
    restore() {
      moved.mockRestore();
      shortened.mockRestore();
    },
  };
};

export const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
