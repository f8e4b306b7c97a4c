/**
 * Loads the code that no call needs, before the decision; undefined if that fails. Each request imports for itself: in workerd, a request
 * that waits for the import of another one hangs when that one is cancelled.
 */
export const loadLazy = async () => {
  try {
    return await import('./management.ts');
  } catch (cause) {
    console.error({ event: 'account_management_unloaded', cause: String(cause) });
    return undefined;
  }
};

export type Lazy = NonNullable<Awaited<ReturnType<typeof loadLazy>>>;
