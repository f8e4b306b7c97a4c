import { beforeEach, describe, expect, test } from 'vitest';
import type { Address } from '../../../../src/core/hex.ts';
import { keyOfPayer } from '../../../../src/settlement/relayer/key-of-payer.ts';
import { NOW, TOKEN } from '../scripted.ts';
import {
  consume,
  deliver,
  hosts,
  isAcked,
  openWith,
  pay,
  settleOne,
  standing,
  useFailoverWorld,
  withRelayer,
  world,
} from './failover-world.ts';

useFailoverWorld();

const A: Address = `0x${'a7'.repeat(20)}`;
const B: Address = `0x${'b8'.repeat(20)}`;
const KEYS = [A, B] as const;
const idOf = (address: Address) => `${TOKEN.network}:${address}` as const;
const payer = (at: number): Address => `0x${(at + 1).toString(16).padStart(40, '7')}`;

const open = (addresses: readonly [Address, ...Address[]] = KEYS) => {
  world.deps = {
    ...world.deps,
    backends: openWith(withRelayer(true, addresses)),
    presentations: new Map(),
  };
};
const payments = () => Array.from({ length: 40 }, (_, at) => pay(at + 1, { from: payer(at) }));
const consumeAll = async (now = NOW) => {
  const messages = payments().map((payment) => deliver(payment));
  await consume(messages, now);
  return messages;
};

beforeEach(() => open());

describe('several keys of a network', () => {
  test('share the payers: each key gets the payments of its own, in one call', async () => {
    const given = new Map<string, Address[]>();
    world.relay = (relays, _, key) => {
      given.set(
        key,
        relays.map(({ payment }) => payment.authorization.from),
      );
      return relays.map(({ call }) => ({ call, verdict: 'taken' }));
    };
    expect((await consumeAll()).every(isAcked)).toBe(true);
    expect(world.keys.toSorted()).toEqual([idOf(A), idOf(B)]);
    for (const key of KEYS) {
      const own = Array.from({ length: 40 }, (_, at) => payer(at)).filter(
        (one) => keyOfPayer(one, KEYS) === key,
      );
      expect(own.length).toBeGreaterThan(5);
      expect(given.get(idOf(key))?.toSorted()).toEqual(own.toSorted());
    }
  });

  test('a key without gas leaves its payers to facilitators, and the other key its own payers', async () => {
    world.relay = (relays, _, key) =>
      relays.map(({ call }) => ({ call, verdict: key === idOf(A) ? 'gas' : 'taken' }));
    expect((await consumeAll()).every(isAcked)).toBe(true);
    const own = payments().filter(
      ({ authorization }) => keyOfPayer(authorization.from, KEYS) === A,
    );
    expect(hosts()).toHaveLength(own.length);
    expect(standing('relayer-a7a7a7a7')).toMatchObject({ state: 'open' });
    expect(standing('relayer-b8b8b8b8')).toMatchObject({ state: 'closed' });
  });

  test('that were both paused are probed in the same round', async () => {
    world.relay = (relays) => relays.map(({ call }) => ({ call, verdict: 'gas' }));
    await consumeAll();
    world.keys = [];
    world.relay = (relays) => relays.map(({ call }) => ({ call, verdict: 'taken' }));
    world.chain.mineMany(100);
    const messages = Array.from({ length: 40 }, (_, at) =>
      deliver(pay(at + 101, { from: payer(at) })),
    );
    await consume(messages, NOW + 301);
    expect(new Set(world.keys)).toEqual(new Set([idOf(A), idOf(B)]));
    expect(messages.every(isAcked)).toBe(true);
  });

  test('a payment of a key that was removed goes to the key that the hash now names', async () => {
    const at = Array.from({ length: 40 }, (_, number) => number).find(
      (number) => keyOfPayer(payer(number), KEYS) === B,
    );
    const payment = pay(1, { from: payer(at ?? 0) });
    await settleOne(payment);
    open([A]);
    world.chain.mineMany(3);
    await settleOne(payment, 1, NOW + 300);
    expect(world.keys).toEqual([idOf(B), idOf(A)]);
    expect(world.presented).toEqual([]);
  });
});
