import {
  abortAllDurableObjects,
  evictDurableObject,
  runDurableObjectAlarm,
  runInDurableObject,
} from 'cloudflare:test';
import type { Seconds } from '../../src/core/clock.ts';
import { stubOf } from '../durable-objects/support.ts';
import type { Journal } from './journal.ts';
import { type Clock, pause } from './clock.ts';
import type { Fleet, Member } from './fleet.ts';
import type { Kind } from './kind.ts';
import type { Random } from './random.ts';

/** A crash, an eviction, an alarm or a jump of the clock. It runs when the share `at` of all calls is decided. */
export type Disruption = { readonly at: number; readonly run: () => Promise<void> };

const CRASHES = 14;
/** The runtime delays the eviction of an object while others refer to it. */
const MAX_WAIT_MS = 500;

export const disruptionsOf = (
  kind: Kind,
  { members }: Fleet,
  clock: Clock,
  journal: Journal,
  random: Random,
): readonly Disruption[] => {
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
      journal.moment();
    };
  };
  const all = [
    ...Array.from({ length: CRASHES }, crash),
    ...Array.from({ length: random.integer(0, 3) }, move),
  ];
  return all
    .map((run) => ({
      at: random.integer(1, 95) / 100,
      // Evicting an object that does not run fails, and so does the request that aborts an object.
      run: () => Promise.race([run().catch(() => undefined), pause(MAX_WAIT_MS)]),
    }))
    .toSorted((a, b) => a.at - b.at);
};

/** Seconds by which the clock jumps past the end of the tightest period, or of a lease. */
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
