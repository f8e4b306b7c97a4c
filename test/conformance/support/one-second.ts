import { nowSeconds } from './payment.ts';

/** Waits for the start of the next second and returns it. */
const secondStarts = async (): Promise<number> => {
  await new Promise((resolve) => setTimeout(resolve, 1_005 - (Date.now() % 1_000)));
  return nowSeconds();
};

/**
 * Makes an attempt at a time bound, and repeats it if a new second began meanwhile. The test and the gateway share one clock: a request
 * that is signed and answered within one second tests the bound exactly, even on a slow machine.
 */
export const withinOneSecond = async <T>(attempt: (now: number) => Promise<T>): Promise<T> => {
  for (;;) {
    const now = await secondStarts();
    const result = await attempt(now);
    if (nowSeconds() === now) return result;
  }
};
