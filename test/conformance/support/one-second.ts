import { nowSeconds } from './payment.ts';

/** Waits for the start of a second. */
const secondStarts = async (): Promise<number> => {
  await new Promise((resolve) => setTimeout(resolve, 1_005 - (Date.now() % 1_000)));
  return nowSeconds();
};

/**
 * Makes an attempt at a time bound, again if the second passed meanwhile. The test and the gateway share one clock, so a request that is
 * signed and answered within a second tests the bound exactly, however slow the machine is.
 */
export const withinOneSecond = async <T>(attempt: (now: number) => Promise<T>): Promise<T> => {
  for (;;) {
    const now = await secondStarts();
    const result = await attempt(now);
    if (nowSeconds() === now) return result;
  }
};
