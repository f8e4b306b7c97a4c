import { describe, expect, test, vi } from 'vitest';
import { backendsAt, messageFor, NOW, TOKEN } from './scripted.ts';
import {
  HOSTS,
  TRANSACTION,
  consume,
  deliver,
  isAcked,
  pay,
  answerWith,
  settleOne,
  withRelayer,
  world,
  useFailoverWorld,
} from './present/failover-world.ts';

useFailoverWorld();

describe('the records for operators', () => {
  test('have no row for a payment that settles at its first delivery', async () => {
    await consume([deliver(pay(1)), deliver(pay(2))]);
    expect([world.recorded, world.forgotten]).toEqual([[], []]);
    // A payment that only waits for its block is not recorded either, until its second delivery.
    world.conduct['a.test'] = () =>
      answerWith({ errorReason: 'settlement_pending', transaction: TRANSACTION });
    const payment = pay(3);
    await settleOne(payment);
    expect(world.recorded).toEqual([]);
    await settleOne(payment, 2, NOW + 4);
    expect(world.recorded).toMatchObject([{ attempts: 2 }]);
  });

  test('have a row for each attempt that met trouble until the payment settles', async () => {
    for (const host of HOSTS)
      world.conduct[host] = () => answerWith({ errorReason: 'unexpected_settle_error' });
    const payment = pay(1);
    const { nonce } = payment.authorization;
    await settleOne(payment);
    await settleOne(payment, 2, NOW + 3);
    expect(world.recorded).toEqual([
      {
        account: messageFor(payment).account,
        call: nonce,
        attempts: 1,
        backend: 'c.test',
        error: 'unexpected_settle_error',
        at: NOW,
      },
      expect.objectContaining({ attempts: 2, backend: 'a.test', at: NOW + 3 }),
    ]);
    world.conduct = {};
    await settleOne(payment, 3, NOW + 7);
    expect(world.forgotten).toEqual([nonce]);
  });

  test('keep the rows of a payment that failed', async () => {
    const payment = pay(1);
    world.chain.cancel(payment);
    world.chain.mine();
    world.chain.mine();
    expect(isAcked(await settleOne(payment, 2, NOW + 60))).toBe(true);
    expect(world.reported).toMatchObject([{ outcome: 'failed', reason: 'cancelled' }]);
    expect([world.recorded, world.forgotten]).toEqual([[], []]);
  });

  test('have no row after the account has sent the payment again, which is a first delivery', async () => {
    const payment = pay(1);
    await settleOne(payment, 1, NOW + 15);
    expect(world.forgotten).toEqual([payment.authorization.nonce]);
  });

  test.each<[string, () => void, string]>([
    ['no node answers', () => (world.chain.state.down = true), 'chain_unreadable'],
    ['the payer has no money', () => world.chain.balances.clear(), 'unfunded'],
    [
      'every backend is paused',
      () => (world.deps = { ...world.deps, backends: backendsAt([], { clock: world.clock }) }),
      'no_backend',
    ],
  ])('%s', async (_, happens, error) => {
    const payment = pay(1);
    happens();
    await settleOne(payment);
    expect(world.recorded).toMatchObject([{ attempts: 1, error }]);
  });

  test('name the backend that declined if none presented the payment', async () => {
    world.deps = {
      ...world.deps,
      backends: backendsAt(
        [],
        {
          clock: world.clock,
          relayer: () => ({
            relay: async (relays) => relays.map(({ call }) => ({ call, verdict: 'gas' })),
          }),
        },
        withRelayer(),
      ),
    };
    await settleOne(pay(1));
    expect(world.recorded).toMatchObject([{ backend: 'relayer', error: 'gas' }]);
  });

  test('delay no result to an account when the database fails or hangs', async () => {
    const log = vi.spyOn(console, 'error').mockReturnValue();
    world.deps = {
      ...world.deps,
      attempts: {
        record: async () => Promise.reject(new Error('D1')),
        forget: async () => Promise.reject(new Error('D1')),
      },
      recordHealth: async () => Promise.reject(new Error('D1')),
    };
    expect(isAcked(await settleOne(pay(1), 2))).toBe(true);
    expect(log).toHaveBeenCalledTimes(1);
  });

  test('get one event per ended payment, with its age', async () => {
    const payment = pay(1);
    await consume([deliver(payment), deliver(payment)], NOW + 7);
    expect(world.observed.filter(({ event }) => event.startsWith('payment_'))).toEqual([
      { event: 'payment_settled', network: TOKEN.network, amount: 1_000n, age: 7 },
    ]);
    world.observed = [];
    world.stores = false;
    await settleOne(payment);
    expect(world.observed.filter(({ event }) => event.startsWith('payment_'))).toEqual([]);
  });
});
