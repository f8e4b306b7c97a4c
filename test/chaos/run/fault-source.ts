import { openRandom, type Random } from '../../falsify/random.ts';
import type { Fault, ChaosOptions } from './options.ts';

/** Decides from the seed which messages meet which fault, until it ends. */
export type FaultSource = {
  readonly isActive: (fault: Fault) => boolean;
  /**
   * Random numbers for the next message on a path, such as one payment to one backend. They depend only on the path and the message's
   * number on it, not on concurrent messages, so that a seed repeats each message's fate.
   */
  readonly randomOf: (way: string) => Random;
  readonly end: () => void;
};

export const openFaultSource = ({
  seed,
  faults,
}: Pick<ChaosOptions, 'seed' | 'faults'>): FaultSource => {
  const random = openRandom(`chaos ${seed}`);
  const sent = new Map<string, number>();
  let over = false;
  return {
    isActive: (fault) => !over && faults.has(fault),
    randomOf(way) {
      const number = sent.get(way) ?? 0;
      sent.set(way, number + 1);
      return random.fork(`${way} ${number}`);
    },
    end() {
      over = true;
    },
  };
};

/** Draws a fate by weight. */
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
