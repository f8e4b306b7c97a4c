const tried = <T>(act: () => T): T | undefined => {
  try {
    return act();
  } catch {
    return undefined;
  }
};

/** What this tab remembers through a reload. A browser that denies storage throws at the name `sessionStorage`; the tab then remembers nothing. */
export const tabStorage = {
  get: (name: string): string | null => tried(() => sessionStorage.getItem(name)) ?? null,
  set: (name: string, value: string): void => tried(() => sessionStorage.setItem(name, value)),
  remove: (name: string): void => tried(() => sessionStorage.removeItem(name)),
};
