/** How often the cron trigger of a gateway runs. */
const EVERY_MS = 60_000;

/** The cron expressions that `countersign init` chooses from. */
export const GATEWAY_CRONS = ['* * * * *', '0-59 * * * *'] as const;

/**
 * Runs the cron trigger of a gateway each minute until the gateway stops, because the local runtime never does. A failed run is retried a
 * minute later.
 */
export const startCron = (
  gateway: string,
  expression: string = GATEWAY_CRONS[0],
  everyMs = EVERY_MS,
): { readonly stop: () => Promise<void> } => {
  const url = `${gateway}/cdn-cgi/local/scheduled?cron=${encodeURIComponent(expression)}`;
  const timer = setInterval(() => {
    void fetch(url, { signal: AbortSignal.timeout(EVERY_MS) }).then(
      async (answer) => await answer.body?.cancel(),
      () => undefined,
    );
  }, everyMs);
  timer.unref();
  return {
    stop: async () => clearInterval(timer),
  };
};
