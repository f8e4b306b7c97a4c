/** Values that modules keep for the duration of e.g. a session, and that all become empty at its end. */
export type Memories = {
  /**
   * Adds a memory.
   *
   * Race: a read may answer after the end. Take the memory before the read, so that a late result is stored in a dropped memory.
   */
  readonly memory: <T>(empty: () => T) => () => T;
  readonly forget: () => void;
};

export const createMemories = (): Memories => {
  const forgetters: (() => void)[] = [];
  return {
    memory: (empty) => {
      let value = empty();
      forgetters.push(() => {
        value = empty();
      });
      return () => value;
    },
    forget: () => {
      for (const forget of forgetters) forget();
    },
  };
};
