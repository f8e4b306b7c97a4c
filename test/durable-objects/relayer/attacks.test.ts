import { describe, expect, test } from 'vitest';
import type { Address, Hex } from '../../../src/core/hex.ts';
import type { Relay } from '../../../src/protocol/relayer-contract.ts';
import type { ChainQuery } from '../../../src/settlement/chain/query.ts';
import type { Facts, Node } from '../../../src/settlement/relayer/node.ts';
import { addressOfPrivateKey } from '../../../src/settlement/relayer/transaction.ts';
import { rebroadcast } from '../../../durable-objects/relayer/broadcast.ts';
import { confirm } from '../../../durable-objects/relayer/confirm.ts';
import type { RelayerContext } from '../../../durable-objects/relayer/context.ts';
import { noCounters } from '../../../durable-objects/relayer/counters.ts';
import { dispatch } from '../../../durable-objects/relayer/dispatch.ts';
import { newest } from '../../../durable-objects/relayer/flight.ts';
import { take } from '../../../durable-objects/relayer/intake.ts';
import { flightsOf, openMemory } from '../../../durable-objects/relayer/memory.ts';
import { keySigner } from '../../../durable-objects/relayer/setup.ts';
import type { Write } from '../../../durable-objects/store/noun.ts';
import { NOTHING } from '../../../durable-objects/store/overlay.ts';

const KEY: Hex = `0x${'11'.repeat(32)}`;
const NETWORK = 'eip155:84532';
const TOKEN = {
  network: NETWORK,
  address: `0x${'a0'.repeat(20)}`,
  name: 'USDC',
  version: '2',
} as const;
const PAY_TO: Address = `0x${'b0'.repeat(20)}`;
const MWEI = 1_000_000n;

const keyNumber = (id: number): Address => `0x${id.toString(16).padStart(40, '1')}`;
const codeNumber = (id: number): Address => `0x${id.toString(16).padStart(40, 'c')}`;

/** A payment of 1000 units; payers whose address begins with c have code. */
const relayNumber = (id: number, from: Address, validBefore: number): Relay => {
  const nonce: Hex = `0x${id.toString(16).padStart(64, '0')}`;
  return {
    account: `${NETWORK}:${from}`,
    call: nonce,
    sinceBlock: 1,
    payment: {
      token: TOKEN,
      authorization: {
        from,
        to: PAY_TO,
        value: 1_000n,
        validAfter: 0n,
        validBefore: BigInt(validBefore),
        nonce,
      },
      signature: `0x${'11'.repeat(65)}`,
      maxTimeoutSeconds: 3_600,
    },
  };
};

/** A relayer without an object: the test provides chain, clock and storage. */
const scene = (setup: Partial<RelayerContext['setup']> = {}) => {
  const world = {
    now: 1_000_000_000,
    block: 100,
    baseFee: 10n * MWEI,
    count: 0,
    reverts: (_: Address): boolean => false,
    /** Payers whose payments were simulated, one per trial. */
    tried: [] as string[],
    payersAsked: 0,
    written: [] as Write[],
  };
  const memory = openMemory({ pending: [], flights: [], reports: [], counters: noCounters });
  const facts = (): Facts => ({
    head: { number: world.block, timestamp: world.now },
    market: { baseFee: world.baseFee, tip: MWEI },
    count: world.count,
    balance: 10n ** 18n,
    blockGas: 30_000_000,
  });
  const answer = ({ calls }: ChainQuery<unknown>): unknown =>
    calls[0]?.method === 'eth_getTransactionCount'
      ? {
          dead: false,
          mined: {
            receipt: {
              succeeded: false,
              block: world.block,
              transaction: String(calls[1]?.params[0]),
              logs: [],
            },
            gasUsed: 600_000,
            fee: 1n,
          },
        }
      : { number: world.block, timestamp: world.now };
  const node: Node = {
    facts: async () => facts(),
    payers: async (of) => {
      world.payersAsked += 1;
      return new Map(of.map((one) => [one, one.startsWith('0xc') ? 'contract' : 'key']));
    },
    simulate: async (trials) =>
      trials.map(({ data }) => {
        const from: Address = `0x${data.slice(34, 74)}`;
        world.tried.push(from);
        return world.reverts(from)
          ? { kind: 'reverted' as const }
          : { kind: 'returned' as const, data: '0x' as const };
      }),
    used: async (_, of) => of.map(() => false),
    query: async (questions) =>
      questions.map((question) => ({ ok: true, value: answer(question) }) as never),
    send: async () => undefined as never,
  };
  const context: RelayerContext = {
    node,
    memory,
    now: () => world.now,
    disk: {
      ...NOTHING,
      brief: () => [],
      list: () => [],
      write: (writes) => void world.written.push(...writes),
      removeAll: () => undefined,
      exists: () => false,
      rowsWritten: () => 0,
      countRow: () => undefined,
    },
    subscribers: {
      notify: async () => true,
      recordRelay: async () => undefined,
      alertLowGas: async () => true,
      emit: () => undefined,
    },
    setup: {
      network: NETWORK,
      chainId: 84532,
      token: TOKEN,
      payTo: PAY_TO,
      urls: ['https://node.test/'],
      confirmations: 1,
      address: addressOfPrivateKey(KEY),
      batch: 1,
      wait: 0,
      maxFeePerGas: 100n * MWEI,
      sign: keySigner(KEY),
      gateway: `${NETWORK}:${PAY_TO}`,
      ...setup,
    },
  };
  const give = (relays: readonly Relay[], urgent = false) => {
    memory.facts = { facts: facts(), at: world.now };
    return take(context, relays, urgent);
  };
  /** Mines every open transaction; none moves anything. */
  const mineInVain = async (): Promise<void> => {
    world.count += memory.flights.size;
    world.block += 1;
    world.now += 1;
    await confirm(context, facts());
  };
  const send = async (): Promise<void> => dispatch(context, facts());
  return { world, memory, context, facts, give, mineInVain, send };
};

describe('a full relayer', () => {
  const many = (count: number, from: (id: number) => Address, now: number) =>
    Array.from({ length: count }, (_, id) => relayNumber(id + 1, from(id), now + 3_600));

  test('makes room by dropping payments that failed their trial', () => {
    const { world, memory, give } = scene();
    const hopeless = many(5_000, (id) => codeNumber(id % 5), world.now);
    expect(new Set(give(hopeless))).toEqual(new Set(['taken']));
    const late = relayNumber(9_999, keyNumber(1), world.now + 3_600);
    expect(give([late])).toEqual(['full']);
    const keys = [...memory.pending.keys()];
    for (const key of keys) memory.trials.set(key, { failures: 2, until: world.now + 60 });
    // One is in a transaction, one has a strike of a mined transaction: both stay.
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
    expect(world.written.filter(({ value }) => value === undefined)).toHaveLength(4_998);
    // Its account presents it again, so it is tried again.
    expect(give(hopeless.slice(2, 3))).toEqual(['taken']);
  });

  test('drops payments of one payer only, if that payer has too many', () => {
    const { world, memory, give } = scene();
    const [other, ...greedy] = many(
      1_001,
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
    // The payment near its deadline is sent first: it does not wait for the other.
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
    // A payment that was taken before is not sent either.
    expect(transactions).toBe(3);
    expect(give([relayNumber(99, burner, hour)])).toEqual(['refused']);
    expect(give(own.slice(5, 6))).toEqual(['refused']);
    expect(give([relayNumber(98, codeNumber(2), hour)])).toEqual(['taken']);
    // While the refused payment is kept, and for a day.
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
    // No Multicall3 answer is scripted: the payments are put into the transaction by hand.
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
    // 34 of 600,000, and those that were open beside the last one.
    expect(transactions).toBeGreaterThanOrEqual(34);
    expect(transactions).toBeLessThanOrEqual(36);
    expect(give([relayNumber(901, codeNumber(1), hour)])).toEqual(['refused']);
    const wallet = relayNumber(902, codeNumber(902), hour);
    const long: Hex = `0x${'11'.repeat(100)}`;
    expect(give([{ ...wallet, payment: { ...wallet.payment, signature: long } }])).toEqual([
      'refused',
    ]);
    // Nothing shows yet that this payer has code: the relayer reads it before the transaction, at no cost.
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
