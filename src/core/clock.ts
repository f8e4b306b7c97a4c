/** Unix time in whole seconds: the unit of every time on the wire, in storage and in decisions. */
export type Seconds = number;

/** The current time. Only entry points call this; decisions take `now` as an argument. */
export const nowSeconds = (): Seconds => Math.floor(Date.now() / 1000);

/** Waits and measures durations; tests replace it. It never decides about money: such code takes `now` in seconds as an argument. */
export type Clock = {
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly sleep: (milliseconds: number) => Promise<unknown>;
};

export const SYSTEM_CLOCK: Clock = {
  now: () => Date.now(),
  sleep: async (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
};
