const DAY_MS = 86_400_000;

/** Waits for the next day (UTC) if less than `milliseconds` remain of this one. */
export const untilDayLasts = async (milliseconds: number): Promise<void> => {
  const remaining = DAY_MS - (Date.now() % DAY_MS);
  if (remaining >= milliseconds) return;
  await new Promise((resolve) => setTimeout(resolve, remaining + 1_000));
};
