import { vi } from 'vitest';
import type { Seconds } from '../../src/core/clock.ts';

/** Time that runs as it does, and can be moved on: for the objects, which live in the isolate of the tests, as well. */
export type Clock = {
  readonly shift: (seconds: Seconds) => void;
  /** While on, an object gives up on another one after a fortieth of the time: late answers cost no minutes. */
  readonly hurry: (on: boolean) => void;
  readonly restore: () => void;
};

/** Shorter waits are the tests' own. */
const LEAST_TIMEOUT_MS = 3_000;
const HURRY = 40;

export const openClock = (): Clock => {
  const now = Date.now.bind(Date);
  const wait = globalThis.setTimeout.bind(globalThis);
  let offset = 0;
  let hurries = false;
  const moved = vi.spyOn(Date, 'now').mockImplementation(() => now() + offset);
  const hurried = vi
    .spyOn(globalThis, 'setTimeout')
    .mockImplementation(((callback: () => void, milliseconds = 0) =>
      wait(
        callback,
        hurries && milliseconds >= LEAST_TIMEOUT_MS ? milliseconds / HURRY : milliseconds,
      )) as typeof setTimeout);
  return {
    shift(seconds) {
      offset += seconds * 1_000;
    },
    hurry(on) {
      hurries = on;
    },
    restore() {
      moved.mockRestore();
      hurried.mockRestore();
    },
  };
};

export const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
  });
