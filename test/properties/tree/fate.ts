import { chooser } from './plan.ts';

/** The fate of a message. `asleep`: its sender restarts before it arrives. `meanwhile`: another step comes between. */
export type Fate = 'now' | 'late' | 'asleep' | 'lost' | 'twice' | 'meanwhile';

const FATES: readonly Fate[] = [
  ...Array.from({ length: 16 }, () => 'now' as const),
  'late',
  'late',
  'asleep',
  'asleep',
  'lost',
  'twice',
  'meanwhile',
  'meanwhile',
];

/** The fates of the first messages of a step. Later ones arrive at once. */
export const fatesOf = (seed: number): readonly Fate[] => {
  const { of } = chooser(seed);
  return Array.from({ length: 7 }, () => of(FATES));
};

/** Gives all messages one fate, or several in turn. */
export const always = (...each: readonly Fate[]): readonly Fate[] =>
  Array.from({ length: 8 }, () => each).flat();
