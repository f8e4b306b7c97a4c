import { beforeEach, describe, expect, test } from 'vitest';
import type { Relay, Relayed } from '../../../../src/protocol/relayer-contract.ts';
import type { Payment } from '../../../../src/protocol/payment.ts';
import { settleNow } from '../../../../src/settlement/present/settle-now.ts';
import { NOW, paymentNumber, RPC } from '../scripted.ts';
import {
  HOSTS,
  consume,
  deliver,
  hosts,
  isAcked,
  openWith,
  pay,
  settleOne,
  withRelayer,
  world,
  useFailoverWorld,
} from './failover-world.ts';

useFailoverWorld();

describe('the relayer', () => {
  const after = (verdicts: Record<number, Relayed['verdict']>) => {
    world.relay = (relays) =>
      relays.map(({ call }, at) => ({ call, verdict: verdicts[at] ?? 'taken' }));
  };
  beforeEach(() => {
    world.deps = { ...world.deps, backends: openWith(withRelayer()) };
  });

  test('gets all open payments of a round in one call, and keeps what it has taken', async () => {
    const messages = Array.from({ length: 50 }, (_, at) => deliver(pay(at + 1)));
    await consume(messages);
    expect(world.handedOver).toEqual([{ count: 50, urgent: false }]);
    expect(world.presented).toEqual([]);
    expect(messages.every(isAcked)).toBe(true);
    expect(world.reported).toHaveLength(50);
    expect(new Set(world.reported.map((one) => one.outcome === 'sent' && one.backend))).toEqual(
      new Set(['relayer']),
    );
    // One observation is enough: a payment that waits for its batch cannot be on the chain yet.
    expect(world.chain.batches).toHaveLength(1);
    expect([world.recorded, world.forgotten]).toEqual([[], []]);
  });

  test('acknowledges a taken payment only after its account has stored that', async () => {
    world.stores = false;
    const message = await settleOne(pay(1));
    expect(isAcked(message)).toBe(false);
    expect(world.recorded).toMatchObject([{ attempts: 1, error: 'account_unavailable' }]);
  });

  test('observes a taken payment again near its deadline, because the balance of that moment decides', async () => {
    const message = await settleOne(pay(1, { validBefore: BigInt(NOW + 200) }));
    expect(world.handedOver).toHaveLength(1);
    expect(isAcked(message)).toBe(false);
  });

  test('payments that it has not taken go to facilitators in the same round', async () => {
    after({ 1: 'full', 2: 'unsupported', 3: 'refused', 4: 'expired', 5: 'unavailable' });
    const messages = Array.from({ length: 7 }, (_, at) =>
      deliver(pay(at + 1, { validBefore: BigInt(NOW + 1_000 + at) })),
    );
    await consume(messages);
    const nonces = [2, 3, 6].map((number) => paymentNumber(number).authorization.nonce);
    expect(world.presented).toEqual(nonces.map((nonce) => ({ host: 'a.test', nonce })));
    expect(messages.map(isAcked)).toEqual([true, true, true, false, false, true, true]);
    expect(world.recorded.map(({ error }) => error)).toEqual(['refused', 'expired']);
  });

  test('gets payments of contract wallets, too', async () => {
    const payment = { ...pay(1), signature: `0x${'11'.repeat(200)}` } as const;
    const given: Relay[] = [];
    world.relay = (relays) => {
      given.push(...relays);
      return relays.map(({ call }) => ({ call, verdict: 'taken' }));
    };
    await settleOne(payment);
    expect(given).toMatchObject([
      {
        call: payment.authorization.nonce,
        payment: { signature: payment.signature },
        sinceBlock: 100,
      },
    ]);
  });

  test('keeps a taken payment, whatever the delivery', async () => {
    const payment = pay(1);
    await settleOne(payment);
    world.chain.mine();
    world.chain.mine();
    await settleOne(payment, 2, NOW + 15);
    expect(world.handedOver).toHaveLength(2);
    expect(world.presented).toEqual([]);
  });

  test('a payment that it took and then refuses goes to facilitators at the next delivery', async () => {
    const payment = pay(1);
    await settleOne(payment);
    after({ 0: 'refused' });
    world.chain.mineMany(10);
    expect(isAcked(await settleOne(payment, 1, NOW + 15))).toBe(false);
    world.chain.mineMany(10);
    expect(isAcked(await settleOne(payment, 2, NOW + 32))).toBe(true);
    expect(hosts()).toEqual(['a.test']);
  });

  test('fails: facilitators take over, and then it is paused', async () => {
    world.relay = () => {
      throw new Error('object reset');
    };
    for (let number = 1; number <= 5; number += 1) {
      expect(isAcked(await settleOne(pay(number)))).toBe(true);
    }
    expect(world.handedOver).toHaveLength(3);
    expect(hosts()).toEqual(Array.from({ length: 5 }, () => 'a.test'));
  });

  test('last in order, gets what the facilitators have not settled', async () => {
    world.deps = { ...world.deps, backends: openWith(withRelayer(false)) };
    for (const host of HOSTS) world.conduct[host] = () => new Response('', { status: 500 });
    expect(isAcked(await settleOne(pay(1)))).toBe(true);
    expect(hosts()).toEqual(['a.test', 'b.test', 'c.test']);
    expect(world.handedOver).toEqual([{ count: 1, urgent: false }]);
  });

  test('gets upfront payments as urgent, and its verdict does not count as a settlement', async () => {
    const settle = async (payment: Payment) =>
      settleNow(
        {
          chain: { urls: [RPC], confirmations: 1 },
          backends: world.deps.backends,
          watches: new Map(),
          waitMs: 1_000,
          clock: world.clock,
        },
        {
          account: `eip155:84532:${payment.authorization.from}`,
          call: payment.authorization.nonce,
          payment,
          sinceBlock: 100,
        },
        NOW,
      );
    expect(await settle(pay(1))).toMatchObject({ outcome: 'unknown' });
    world.relay = (relays) => {
      for (const { payment } of relays) world.chain.pay(payment);
      return relays.map(({ call }) => ({ call, verdict: 'taken' }));
    };
    expect(await settle(pay(2))).toMatchObject({ outcome: 'settled' });
    after({ 0: 'gas' });
    expect(await settle(pay(3))).toMatchObject({ outcome: 'settled' });
    expect(world.handedOver.map(({ urgent }) => urgent)).toEqual([true, true, true]);
    expect(hosts()).toEqual(['a.test']);
  });
});
