import { describe, expect, test } from 'vitest';
import type { Address, Hex } from '../../../src/core/hex.ts';
import { flightsOf } from '../../../durable-objects/relayer/memory.ts';
import { scene, relayNumber, keyNumber, codeNumber } from './scripted-relayer.ts';

describe('a full relayer', () => {
  const many = (count: number, from: (id: number) => Address, now: number) =>
    Array.from({ length: count }, (_, id) => relayNumber(id + 1, from(id), now + 3_600));

  test('makes room by dropping payments that failed their trial', () => {
    const { world, memory, give } = scene();
    const hopeless = many(10_000, (id) => codeNumber(id % 10), world.now);
    expect(new Set(give(hopeless))).toEqual(new Set(['taken']));
    const late = relayNumber(99_999, keyNumber(1), world.now + 3_600);
    expect(give([late])).toEqual(['full']);
    const keys = [...memory.pending.keys()];
    for (const key of keys) memory.trials.set(key, { failures: 2, until: world.now + 60 });
    // One payment is in a transaction, and one has a strike from a mined transaction. The relayer keeps both.
    const [flying, struck] = keys;
    if (flying === undefined || struck === undefined) throw new Error('nothing pending');
    memory.flights.set(0, {
      record: { nonce: 0, keys: [flying], attempts: [] as never, raw: '0x' },
      gas: 1n,
      sentAt: undefined,
      block: 1,
      missingSince: undefined,
    });
    const one = memory.pending.get(struck);
    if (one !== undefined) memory.pending.set(struck, { ...one, strikes: 1 });
    expect(give([late])).toEqual(['taken']);
    expect([...memory.pending.keys()].slice(0, 2)).toEqual([flying, struck]);
    expect(memory.pending.size).toBe(3);
    expect(memory.trials.size).toBe(2);
    expect(world.written.filter(({ value }) => value === undefined)).toHaveLength(9_998);
    // The payment's account presents it again, so the relayer tries it again.
    expect(give(hopeless.slice(2, 3))).toEqual(['taken']);
  });

  test('drops payments of one payer only, if that payer has too many', () => {
    const { world, memory, give } = scene();
    const [other, ...greedy] = many(
      2_001,
      (id) => (id === 0 ? keyNumber(2) : codeNumber(1)),
      world.now,
    );
    if (other === undefined) throw new Error('no payment');
    give([other, ...greedy]);
    const next = relayNumber(5_000, codeNumber(1), world.now + 3_600);
    expect(give([next])).toEqual(['full']);
    for (const key of memory.pending.keys()) {
      memory.trials.set(key, { failures: 2, until: world.now + 60 });
    }
    expect(give([next])).toEqual(['taken']);
    expect(memory.pending.size).toBe(2);
  });
});

describe('a round', () => {
  test('tries a payer with code once, however many of its payments fail', async () => {
    const { world, memory, give, send } = scene();
    world.reverts = (from) => from === codeNumber(1);
    give(
      Array.from({ length: 50 }, (_, id) => relayNumber(id, codeNumber(1), world.now + 300)),
      true,
    );
    give([relayNumber(99, codeNumber(2), world.now + 3_600)], true);
    await send();
    expect(world.tried).toEqual([codeNumber(1), codeNumber(2)]);
    expect([...memory.trials.values()].every(({ failures }) => failures === 1)).toBe(true);
    expect(memory.trials.size).toBe(50);
    expect(memory.flights.size).toBe(1);
  });

  test('ends after eight failed trials', async () => {
    const { world, give, send } = scene();
    world.reverts = () => true;
    give(
      Array.from({ length: 50 }, (_, id) => relayNumber(id, codeNumber(id), world.now + 300)),
      true,
    );
    await send();
    expect(world.payersAsked).toBe(8);
  });
});

describe('burnt gas', () => {
  test('bars its payer for a day, whatever the payment', async () => {
    const { world, memory, give, send, mineInVain } = scene();
    const burner = codeNumber(1);
    const hour = world.now + 3_600;
    const own = Array.from({ length: 10 }, (_, id) => relayNumber(id, burner, hour + 90_000));
    give(own);
    let transactions = 0;
    for (let round = 0; round < 40; round += 1) {
      await send();
      transactions += memory.flights.size;
      await mineInVain();
    }
    // The relayer does not send payments either that it had already taken from this payer.
    expect(transactions).toBe(3);
    expect(give([relayNumber(99, burner, hour)])).toEqual(['refused']);
    expect(give(own.slice(5, 6))).toEqual(['refused']);
    expect(give([relayNumber(98, codeNumber(2), hour)])).toEqual(['taken']);
    // The relayer refuses the payer while it keeps the refused payment, and for another day.
    world.now += 86_500;
    expect(give([relayNumber(96, burner, world.now + 3_600)])).toEqual(['refused']);
    world.now = hour + 90_000;
    expect(give([relayNumber(97, burner, world.now + 3_600)])).toEqual(['taken']);
  });

  test('in transactions with several payers bars no payer', async () => {
    const { world, memory, give, send, mineInVain } = scene({ batch: 10 });
    const payer = keyNumber(1);
    const mixed = Array.from({ length: 10 }, (_, id) =>
      relayNumber(id, id < 5 ? payer : keyNumber(2), world.now + 3_600),
    );
    give(mixed);
    // The script has no answer of Multicall3, so the test puts the payments into the transaction itself.
    await send();
    const [flight] = flightsOf(memory);
    if (flight === undefined) throw new Error('no flight');
    for (const nonce of memory.flights.keys()) if (nonce > 0) memory.flights.delete(nonce);
    flight.record = { ...flight.record, keys: [...memory.pending.keys()] };
    await mineInVain();
    expect([...memory.pending.values()].map(({ strikes }) => strikes)).toEqual(
      Array.from({ length: 10 }, () => 1),
    );
    expect(give([relayNumber(99, payer, world.now + 3_600)])).toEqual(['taken']);
  });

  test('of twenty million by payers with code bars payers with code until the hour ends', async () => {
    const { world, memory, give, send, mineInVain } = scene();
    const hour = world.now + 7_200;
    let id = 0;
    let transactions = 0;
    for (let round = 0; round < 100; round += 1) {
      id += 1;
      give([relayNumber(id, codeNumber(id), hour)]);
      await send();
      transactions += memory.flights.size;
      await mineInVain();
    }
    // 34 transactions of 600,000 gas, and those that were open together with the last one.
    expect(transactions).toBeGreaterThanOrEqual(34);
    expect(transactions).toBeLessThanOrEqual(36);
    expect(give([relayNumber(901, codeNumber(1), hour)])).toEqual(['refused']);
    const wallet = relayNumber(902, codeNumber(902), hour);
    const long: Hex = `0x${'11'.repeat(100)}`;
    expect(give([{ ...wallet, payment: { ...wallet.payment, signature: long } }])).toEqual([
      'refused',
    ]);
    // The relayer does not know yet that this payer has code. It reads the code before a transaction, at no cost.
    expect(give([relayNumber(903, codeNumber(903), hour)])).toEqual(['taken']);
    const before = world.tried.length;
    await send();
    expect(world.tried).toHaveLength(before);
    expect(give([relayNumber(903, codeNumber(903), hour)])).toEqual(['refused']);
    expect(give([relayNumber(904, keyNumber(1), hour)])).toEqual(['taken']);
    await send();
    expect(memory.flights.size).toBe(1);
    world.now += 3_600;
    expect(give([relayNumber(905, codeNumber(500), hour)])).toEqual(['taken']);
  });
});
