/** How often something was done, by name. */
const counts = new Map<string, number>();

export const count = (what: string): void => {
  counts.set(what, (counts.get(what) ?? 0) + 1);
};

/** What was done since this was last asked: it begins anew. */
export const tally = (): Readonly<Record<string, number>> => {
  const taken = Object.fromEntries(counts);
  counts.clear();
  return taken;
};
