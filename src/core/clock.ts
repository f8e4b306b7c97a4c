/** Unix time in whole seconds: the unit of every time on the wire, in storage and in decisions. */
export type Seconds = number;

/** Now. Called at the edges only; everything that decides takes `now` as an argument. */
export const nowSeconds = (): Seconds => Math.floor(Date.now() / 1000);
