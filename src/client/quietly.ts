/** Runs a hook whose failure must not cost the caller an answer that was paid for. */
export const quietly = (hook: () => unknown): void => {
  try {
    void Promise.resolve(hook()).catch(() => undefined);
  } catch {
    // Documented: what these hooks throw is dropped.
  }
};
