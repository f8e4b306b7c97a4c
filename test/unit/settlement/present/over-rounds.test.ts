import { describe, expect, test } from 'vitest';
import { NOW, paymentNumber, TOKEN } from '../scripted.ts';
import {
  HOSTS,
  TRANSACTION,
  consume,
  deliver,
  hosts,
  isAcked,
  pay,
  answerWith,
  settleOne,
  standing,
  world,
  useFailoverWorld,
} from './failover-world.ts';

useFailoverWorld();

describe('over several rounds', () => {
  test('a claimed success that the chain does not show after ten blocks and half a minute is a fault', async () => {
    world.conduct['a.test'] = () => answerWith({ success: true, transaction: TRANSACTION });
    for (let number = 1; number <= 3; number += 1) {
      const payment = pay(number);
      const from = NOW + 100 * number;
      await settleOne(payment, 1, from);
      world.chain.mineMany(9);
      await settleOne(payment, 1, from + 30);
      world.chain.mine();
      await settleOne(payment, 1, from + 29);
      // A node may be a few blocks behind, so no claim counts as false yet.
      expect(standing('a.test')).toMatchObject({ state: 'closed', failed: number - 1 });
      expect(isAcked(await settleOne(payment, 2, from + 30))).toBe(true);
    }
    expect(standing('a.test')).toMatchObject({
      state: 'open',
      failed: 3,
      lastError: 'false_success',
    });
  });

  test.for([
    ['another backend that got it two blocks later settled it: a fault', false],
    [
      'its own transaction is on the chain, although another backend got the payment: no fault',
      true,
    ],
  ] as const)('a claimed success, and the chain shows %s', async ([, isTrue]) => {
    const payment = pay(1);
    // The scripted chain names transactions after their blocks. This one is in the block after these two.
    const transaction = isTrue ? `0xf${(103).toString(16).padStart(63, '0')}` : TRANSACTION;
    world.conduct['a.test'] = () => answerWith({ success: true, transaction });
    await settleOne(payment, 1);
    world.chain.mineMany(2);
    expect(isAcked(await settleOne(payment, 2, NOW + 4))).toBe(true);
    expect(hosts()).toEqual(['a.test', 'b.test']);
    expect(standing('a.test')).toMatchObject({ state: 'closed', failed: isTrue ? 0 : 1 });
  });

  test('a claimed success that the chain shows later is no fault', async () => {
    let transaction = TRANSACTION;
    world.conduct['a.test'] = () => answerWith({ success: true, transaction });
    const payment = pay(1);
    await settleOne(payment);
    world.chain.mine();
    transaction = world.chain.pay(payment);
    expect(isAcked(await settleOne(payment, 2))).toBe(true);
    expect(standing('a.test')).toMatchObject({ failed: 0, succeeded: 1 });
  });

  test('one payment of a batch probes a paused backend, and settles at the next backend if the probe fails', async () => {
    world.conduct['a.test'] = () => new Response('', { status: 503 });
    await consume([1, 2, 3].map((number) => deliver(pay(number))));
    expect(standing('a.test')).toMatchObject({ state: 'open', failed: 3 });
    world.presented = [];
    const batch = [4, 5, 6, 7].map((number) =>
      deliver(pay(number, { validBefore: BigInt(NOW + 1_000 + number) })),
    );
    await consume(batch, NOW + 5);
    expect(batch.every(isAcked)).toBe(true);
    // The probe received the payment with the latest deadline.
    expect(world.presented.filter(({ host }) => host === 'a.test')).toEqual([
      { host: 'a.test', nonce: paymentNumber(7).authorization.nonce },
    ]);
    expect(world.presented).toHaveLength(5);
    // Once the backend works again, it gets all of the payments.
    world.conduct = {};
    world.presented = [];
    await consume(
      [8, 9].map((number) => deliver(pay(number))),
      NOW + 20,
    );
    await consume(
      [10, 11].map((number) => deliver(pay(number))),
      NOW + 21,
    );
    expect(hosts()).toEqual(['b.test', 'a.test', 'a.test', 'a.test']);
  });

  test('every backend down: no payment is lost, few are presented, and all settle when one backend returns', async () => {
    for (const host of HOSTS) world.conduct[host] = () => new Response('', { status: 503 });
    const batch = Array.from({ length: 20 }, (_, at) => pay(at + 1));
    for (let second = 0; second < 60; second += 2) {
      world.chain.mine(NOW + second);
      await consume(
        batch.map((payment) => deliver(payment, 2)),
        NOW + second,
      );
    }
    expect(world.deps.backends.isDown(TOKEN.network)).toBe(true);
    // Each backend gets at most 12 before its circuit opens, the last one 10 more, and each an occasional probe.
    expect(world.presented.length).toBeLessThan(3 * 12 + 10);
    expect(world.reported.every(({ outcome }) => outcome === 'sent')).toBe(true);
    world.conduct = {};
    const messages = batch.map((payment) => deliver(payment, 3));
    await consume(messages, NOW + 80);
    expect(messages.every(isAcked)).toBe(true);
  });
});
