const DAY_MS = 86_400_000;

const pause = async (milliseconds: number): Promise<void> =>
  await new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Waits for the next day (UTC) if less than `milliseconds` remain of this one. */
export const untilDayLasts = async (milliseconds: number): Promise<void> => {
  const remaining = DAY_MS - (Date.now() % DAY_MS);
  if (remaining >= milliseconds) return;
  await pause(remaining + 1_000);
};

/** Waits for the next year (UTC) if less than `milliseconds` remain of this one: the transparency log begins a new tree then. */
export const untilYearLasts = async (milliseconds: number): Promise<void> => {
  const now = new Date();
  if (now.getUTCMonth() === 11 && now.getUTCDate() === 31) await untilDayLasts(milliseconds);
};

/** Waits for the start of the next second. Lists sort the calls of one second by account, so their order would depend on the keys. */
export const untilNextSecond = async (): Promise<void> => await pause(1_000 - (Date.now() % 1_000));
