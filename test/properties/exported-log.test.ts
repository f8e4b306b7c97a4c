import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { AccountId } from '../../src/protocol/account-id.ts';
import { randomHex } from '../durable-objects/support.ts';
import { openRandom, type Random } from '../falsify/random.ts';
import { type ExportedLog, type Interfere, openExportedLog } from './exported-log.ts';
import { runsOf } from './runs.ts';

const RUNS = runsOf(40);
const STEPS = 60;
/** Number of deliveries after which the consumer must have acknowledged an undisturbed message. */
const ROUNDS = 20;

beforeEach(() => {
  vi.spyOn(console, 'error').mockImplementation(() => {});
  vi.spyOn(console, 'warn').mockImplementation(() => {});
});
afterEach(() => {
  vi.restoreAllMocks();
});

const newOrigin = (): string => `${randomHex(8).slice(2)}.example/log/2026`;
const someAccounts = (count: number): readonly AccountId[] =>
  Array.from({ length: count }, (): AccountId => `eip155:84532:${randomHex(20)}`);

/** Sends and delivers until D1, log and accounts agree. */
const settle = async (world: ExportedLog, random: Random): Promise<void> => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const behind = world.writers.filter(({ chain, exported }) => exported < chain.length);
    for (const writer of behind) await world.send(writer, random, () => 'arrives');
    if (world.waiting().length === 0) break;
    await world.deliver(world.waiting());
  }
  await world.sign();
};

/** Simulates a consumer that crashes at its nth effect, before or after it. Its later attempts have no effect. */
const dyingAt = (nth: number, when: 'before' | 'after') => {
  let effects = 0;
  const interfere: Interfere = async (effect) => {
    effects += 1;
    if (effects < nth) return effect();
    if (effects === nth && when === 'after') await effect();
    throw new Error('died');
  };
  return { interfere, hasDied: () => effects >= nth };
};

describe('the consumer of the audit queue', () => {
  test('dies before or after any of its effects: D1 and the log get each entry once, in order', async () => {
    let deaths = 0;
    for (const when of ['before', 'after'] as const) {
      for (let nth = 1; ; nth += 1) {
        const random = openRandom('one batch');
        const world = await openExportedLog(newOrigin(), someAccounts(2));
        for (const writer of world.writers) {
          world.write(writer, random);
          await world.send(writer, random, () => 'arrives');
        }
        const { interfere, hasDied } = dyingAt(nth, when);
        await world.deliver(world.waiting(), interfere);
        await world.checkDeleted();
        await world.sign();
        await settle(world, random);
        await world.check();
        if (!hasDied()) break;
        deaths += 1;
      }
    }
    expect(deaths).toBeGreaterThanOrEqual(18);
  });

  test(
    `${RUNS} random runs with outages of D1, a log that is evicted, and a queue that loses, repeats and reorders: each entry once, in order`,
    { timeout: 300_000 },
    async () => {
      for (let run = 0; run < RUNS; run += 1) {
        const random = openRandom(`exported log ${run}`);
        const world = await openExportedLog(newOrigin(), someAccounts(3));
        let isAway = false;
        const interfere: Interfere = async (effect) => {
          if (isAway || random.chance(0.08)) throw new Error('Network connection lost.');
          const answer = await effect();
          if (random.chance(0.08)) throw new Error('The answer was lost.');
          return answer;
        };
        const [first, ...others] = world.writers as [(typeof world.writers)[0]];
        const anyWriter = () => random.pick([first, ...others]);
        for (let step = 0; step < STEPS; step += 1) {
          switch (random.pick(['write', 'send', 'deliver', 'deliver', 'sign', 'evict', 'away'])) {
            case 'write':
              world.write(anyWriter(), random);
              break;
            case 'send':
              await world.send(anyWriter(), random, () =>
                random.pick(['arrives', 'arrives', 'arrives', 'lost', 'twice']),
              );
              break;
            case 'deliver': {
              const shuffled = world
                .waiting()
                .map((message) => ({ message, at: random.integer(0, 1_000_000) }))
                .toSorted((one, other) => one.at - other.at)
                .map(({ message }) => message);
              await world.deliver(shuffled.slice(0, random.integer(1, 6)), interfere);
              await world.checkDeleted();
              break;
            }
            case 'sign':
              await world.sign();
              break;
            case 'evict':
              await world.evict();
              break;
            case 'away':
              isAway = random.chance(0.3);
          }
        }
        await settle(world, random);
        await world.check();
      }
    },
  );
});
