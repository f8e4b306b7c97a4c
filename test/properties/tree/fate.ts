import { chooser } from './plan.ts';

/** What becomes of a message. With `asleep`, who has sent it restarts before it arrives; `meanwhile`, something else happens. */
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

/** What becomes of the first messages of one command; later ones arrive at once. */
export const fatesOf = (seed: number): readonly Fate[] => {
  const { of } = chooser(seed);
  return Array.from({ length: 7 }, () => of(FATES));
};

/** All messages have the same fate, or turn by turn. */
export const always = (...each: readonly Fate[]): readonly Fate[] =>
  Array.from({ length: 8 }, () => each).flat();
