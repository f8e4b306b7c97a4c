/** Unix time in whole seconds: the unit of every time on the wire, in storage and in decisions. */
export type Seconds = number;

/** The current time. Only entry points call this; decisions take `now` as an argument. */
export const nowSeconds = (): Seconds => Math.floor(Date.now() / 1000);
