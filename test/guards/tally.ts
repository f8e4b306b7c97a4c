/** How often something was done, by name. */
const counts = new Map<string, number>();

export const count = (what: string): void => {
  counts.set(what, (counts.get(what) ?? 0) + 1);
};

/** The same function, but that each call of it is counted by this name. */
export const counted = <Given extends readonly unknown[], Taken>(
  what: string,
  run: (...given: Given) => Taken,
): ((...given: Given) => Taken) => {
  return (...given) => {
    count(what);
    return run(...given);
  };
};

/** What was done since this was last asked: it begins anew. */
export const tally = (): Readonly<Record<string, number>> => {
  const taken = Object.fromEntries(counts);
  counts.clear();
  return taken;
};
