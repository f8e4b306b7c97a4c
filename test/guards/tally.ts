import { countWork } from './work-by-step.ts';

/** The amount of work by its name. */
const counts = new Map<string, number>();

export const count = (what: string): void => {
  counts.set(what, (counts.get(what) ?? 0) + 1);
};

/** Wraps a function so that its calls count under this name. */
export const counted = <Given extends readonly unknown[], Taken>(
  what: string,
  run: (...given: Given) => Taken,
): ((...given: Given) => Taken) => {
  return (...given) => {
    count(what);
    countWork(what);
    return run(...given);
  };
};

/** Returns the counts since the last call, and resets them. */
export const tally = (): Readonly<Record<string, number>> => {
  const taken = Object.fromEntries(counts);
  counts.clear();
  return taken;
};
