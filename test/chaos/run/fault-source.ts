import { openRandom, type Random } from '../../falsify/random.ts';
import type { Fault, ChaosOptions } from './options.ts';

/** Whether things go wrong, and how: until it ends, by the seed alone. */
export type Unrest = {
  readonly stirs: (fault: Fault) => boolean;
  /**
   * The luck of the next message on a way, e.g. of one payment to one backend. It hangs on the way and on how many went there
   * before, not on what else is under way: a seed gives each message the same fate again.
   */
  readonly luckOf: (way: string) => Random;
  readonly end: () => void;
};

export const openUnrest = ({ seed, faults }: Pick<ChaosOptions, 'seed' | 'faults'>): Unrest => {
  const random = openRandom(`chaos ${seed}`);
  const sent = new Map<string, number>();
  let over = false;
  return {
    stirs: (fault) => !over && faults.has(fault),
    luckOf(way) {
      const number = sent.get(way) ?? 0;
      sent.set(way, number + 1);
      return random.fork(`${way} ${number}`);
    },
    end() {
      over = true;
    },
  };
};

/** One of some fates, each as likely as its weight says. */
export const draw = <T extends string>(random: Random, weights: Readonly<Record<T, number>>): T => {
  const all = Object.entries<number>(weights) as [T, number][];
  const sum = all.reduce((total, [, weight]) => total + weight, 0);
  let left = random.integer(0, 999_999) * (sum / 1_000_000);
  for (const [fate, weight] of all) {
    if (left < weight) return fate;
    left -= weight;
  }
  return all[0]?.[0] as T;
};
