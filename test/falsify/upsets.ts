import {
  abortAllDurableObjects,
  evictDurableObject,
  runDurableObjectAlarm,
  runInDurableObject,
} from 'cloudflare:test';
import type { Seconds } from '../../src/core/clock.ts';
import { stubOf } from '../durable-objects/support.ts';
import type { Books } from './books.ts';
import { type Clock, pause } from './clock.ts';
import type { Fleet, Member } from './fleet.ts';
import type { Kind } from './kind.ts';
import type { Random } from './random.ts';

/** Something that happens to accounts or to the time while calls run, when this share of them has been decided. */
export type Upset = { readonly at: number; readonly happens: () => Promise<void> };

const CRASHES = 14;
/** An object that others still refer to is not evicted for a long time. */
const PATIENCE_MS = 500;

export const upsetsOf = (
  kind: Kind,
  { members }: Fleet,
  clock: Clock,
  books: Books,
  random: Random,
): readonly Upset[] => {
  const member = (): Member => random.pick(members as [Member, ...Member[]]);
  const crash = (): (() => Promise<void>) => {
    const stub = stubOf(member().payer);
    const drawn = random.integer(0, 19);
    if (drawn === 0) return abortAllDurableObjects;
    if (drawn < 8) return () => evictDurableObject(stub);
    if (drawn < 15) return () => runInDurableObject(stub, (_, state) => state.abort('falsified'));
    return async () => {
      await runDurableObjectAlarm(stub);
    };
  };
  const move = (): (() => Promise<void>) => {
    const seconds = movesOf(kind, random);
    return async () => {
      clock.shift(seconds);
      books.moment();
    };
  };
  const all = [
    ...Array.from({ length: CRASHES }, crash),
    ...Array.from({ length: random.integer(0, 3) }, move),
  ];
  return all
    .map((happens) => ({
      at: random.integer(1, 95) / 100,
      // What does not run cannot be evicted; what is killed answers with its death.
      happens: () => Promise.race([happens().catch(() => undefined), pause(PATIENCE_MS)]),
    }))
    .toSorted((a, b) => a.at - b.at);
};

/** Over the end of the period that matters, or of a lease. */
const movesOf = (kind: Kind, random: Random): Seconds => {
  switch (kind) {
    case 'day':
      return random.pick([61, 86_400]);
    case 'hour':
    case 'manager':
    case 'grantWindow':
      return random.pick([61, 3_600]);
    case 'minute':
      return random.pick([30, 60]);
    case 'lifetime':
    case 'total':
    case 'own':
    case 'credit':
    case 'mixed':
      return random.pick([5, 61, 3_600, 86_400]);
  }
};
