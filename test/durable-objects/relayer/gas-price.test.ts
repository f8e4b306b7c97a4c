import { describe, expect, test } from 'vitest';
import { rebroadcast } from '../../../durable-objects/relayer/broadcast.ts';
import { newest } from '../../../durable-objects/relayer/flight.ts';
import { flightsOf } from '../../../durable-objects/relayer/memory.ts';
import { scene, relayNumber, keyNumber, MWEI } from './scripted-relayer.ts';

describe('a stuck transaction', () => {
  test('before a payment near its deadline may use the higher fee limit', async () => {
    const { world, memory, context, facts, give, send } = scene();
    world.baseFee = 89n * MWEI;
    give([relayNumber(1, keyNumber(1), world.now + 3_600)]);
    await send();
    give([relayNumber(2, keyNumber(2), world.now + 150)]);
    world.baseFee = 200n * MWEI;
    for (let block = 0; block < 40; block += 1) {
      world.now += 2;
      world.block += 1;
      await rebroadcast(context, facts());
      await send();
    }
    const fees = flightsOf(memory).map(({ record }) => newest(record).maxFeePerGas);
    expect(fees).toHaveLength(2);
    for (const fee of fees) expect(fee).toBeGreaterThanOrEqual(201n * MWEI);
  });

  test('without such a payment stays below the limit', async () => {
    const { world, memory, context, facts, give, send } = scene();
    // The payment near its deadline is sent first, without waiting for the other one.
    give([relayNumber(2, keyNumber(2), world.now + 100)]);
    await send();
    give([relayNumber(1, keyNumber(1), world.now + 3_600)]);
    await send();
    world.baseFee = 200n * MWEI;
    for (let block = 0; block < 20; block += 1) {
      world.now += 2;
      world.block += 1;
      await rebroadcast(context, facts());
    }
    const [near, far] = flightsOf(memory).map(({ record }) => newest(record).maxFeePerGas);
    expect(near).toBeGreaterThanOrEqual(201n * MWEI);
    expect(far).toBeLessThanOrEqual(100n * MWEI);
  });

  test('that was replaced twenty times is replaced again once it is too cheap', async () => {
    const { world, memory, context, facts, give, send } = scene({ maxFeePerGas: 100_000n * MWEI });
    world.baseFee = 5n * MWEI;
    give([relayNumber(1, keyNumber(1), world.now + 36_000)]);
    await send();
    const go = async (blocks: number): Promise<void> => {
      for (let block = 0; block < blocks; block += 1) {
        world.now += 2;
        world.block += 1;
        await rebroadcast(context, facts());
      }
    };
    await go(90);
    const [flight] = flightsOf(memory);
    expect(flight?.record.attempts).toHaveLength(20);
    world.baseFee = 5_000n * MWEI;
    await go(5);
    expect(flight?.record.attempts).toHaveLength(21);
    expect(flight === undefined ? 0n : newest(flight.record).maxFeePerGas).toBeGreaterThan(
      5_000n * MWEI,
    );
  });
});

describe('dear gas', () => {
  test('between the limits rejects no payment for which it may be paid', () => {
    const { world, give } = scene();
    world.baseFee = 200n * MWEI;
    expect(give([relayNumber(1, keyNumber(1), world.now + 100)])).toEqual(['taken']);
    expect(give([relayNumber(2, keyNumber(1), world.now + 240)])).toEqual(['taken']);
    expect(give([relayNumber(3, keyNumber(1), world.now + 240)], true)).toEqual(['fee']);
    world.baseFee = 500n * MWEI;
    expect(give([relayNumber(4, keyNumber(1), world.now + 100)])).toEqual(['fee']);
  });

  test.for([
    ['for all', 500n],
    ['for those that can wait', 200n],
  ] as const)('%s is named as what payments wait for', async ([, baseFee]) => {
    const { world, memory, give, send } = scene();
    world.baseFee = baseFee * MWEI;
    await send();
    expect(memory.lastError).toBeUndefined();
    give([relayNumber(1, keyNumber(1), world.now + 3_600)]);
    await send();
    expect(memory.lastError?.text).toBe('gas_too_dear');
  });
});
