import { describe, expect, test } from 'vitest';
import type { Payment } from '../../../../src/protocol/payment.ts';
import { BOUND_VALID_AFTER } from '../../../../src/protocol/intent/binding.ts';
import { NOW, TOKEN } from '../scripted.ts';
import {
  type Conduct,
  FAULTS,
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

describe('in one round', () => {
  test.each(FAULTS)(
    '%s at two of three backends: the third settles the payment',
    async (_, fault) => {
      world.conduct = { 'a.test': fault, 'b.test': fault };
      expect(isAcked(await settleOne(pay(1)))).toBe(true);
      expect(hosts()).toEqual(['a.test', 'b.test', 'c.test']);
      expect(world.reported).toMatchObject([{ outcome: 'settled' }]);
      expect(standing('a.test')).toMatchObject({ failed: 1, succeeded: 0 });
      expect(standing('c.test')).toMatchObject({ failed: 0, succeeded: 1 });
    },
  );

  test.each<[string, Conduct]>([
    ['500', (one) => (world.chain.pay(one), new Response('oops', { status: 500 }))],
    [
      'a broken connection',
      (one) => (world.chain.pay(one), Promise.reject(new TypeError('reset'))),
    ],
    ['garbage', (one) => (world.chain.pay(one), new Response('<html>'))],
    [
      'false failure',
      (one) => (world.chain.pay(one), answerWith({ errorReason: 'unexpected_settle_error' })),
    ],
    [
      'a failure that blames the payer',
      (one) => (world.chain.pay(one), answerWith({ errorReason: 'insufficient_funds' })),
    ],
  ])('%s after broadcasting: no other backend gets the payment', async (_, does) => {
    world.conduct = { 'a.test': does };
    expect(isAcked(await settleOne(pay(1)))).toBe(true);
    expect(hosts()).toEqual(['a.test']);
    expect(world.reported).toMatchObject([{ outcome: 'settled' }]);
  });

  test('500 after broadcasting, with the block a moment later: no other backend gets the payment', async () => {
    const payment = pay(1);
    world.conduct['a.test'] = () => new Response('oops', { status: 500 });
    const { sleep } = world.clock;
    world.clock.sleep = async (milliseconds) => {
      if (world.presented.length > 0 && !world.chain.isUsed(payment)) world.chain.pay(payment);
      await sleep(milliseconds);
    };
    expect(isAcked(await settleOne(payment))).toBe(true);
    expect(hosts()).toEqual(['a.test']);
  });

  test('no answer, and then no answer of the node: no other backend gets the payment, because its state is unknown', async () => {
    world.conduct['a.test'] = () => {
      world.chain.state.down = true;
      return new Response('oops', { status: 500 });
    };
    expect(isAcked(await settleOne(pay(1)))).toBe(false);
    expect(hosts()).toEqual(['a.test']);
    expect(world.reported).toMatchObject([{ outcome: 'sent', backend: 'a.test' }]);
  });

  test.each<[string, Conduct]>([
    ['pending', () => answerWith({ errorReason: 'settlement_pending', transaction: TRANSACTION })],
    ['claimed', () => answerWith({ success: true, transaction: TRANSACTION })],
  ])(
    '%s: no other backend gets the payment for two blocks, and no fault is recorded',
    async (_, does) => {
      world.conduct['a.test'] = does;
      const payment = pay(1);
      expect(isAcked(await settleOne(payment))).toBe(false);
      world.chain.mine();
      await settleOne(payment, 2, NOW + 4);
      expect(hosts()).toEqual(['a.test']);
      expect(standing('a.test')).toMatchObject({ failed: 0 });
      world.chain.mine();
      expect(isAcked(await settleOne(payment, 2, NOW + 6))).toBe(true);
      expect(hosts()).toEqual(['a.test', 'b.test']);
    },
  );

  test("the payer's own fault costs one presentation a delivery, and counts against no backend", async () => {
    for (const host of HOSTS)
      world.conduct[host] = () => answerWith({ errorReason: 'invalid_exact_evm_signature' });
    const payment = pay(1);
    for (let attempts = 1; attempts <= 30; attempts += 1) {
      const message = deliver(payment, attempts);
      await consume([message], NOW + attempts);
    }
    expect(world.presented).toHaveLength(30);
    expect(hosts().slice(0, 4)).toEqual(['a.test', 'b.test', 'c.test', 'a.test']);
    expect(world.deps.backends.health().map(({ state, failed }) => [state, failed])).toEqual(
      HOSTS.map(() => ['closed', 0]),
    );
  });

  test.each([
    'invalid_exact_evm_payload_authorization_valid_after',
    'invalid_batch_settlement_evm_payload_authorization_valid_after',
    'authorization_not_yet_valid',
    'FiatTokenV2: authorization is not yet valid',
  ])(
    '%s about a bound payment is the fault of the backend: the next one settles it',
    async (reason) => {
      world.conduct['a.test'] = () => answerWith({ errorReason: reason });
      expect(isAcked(await settleOne(pay(1, { validAfter: BOUND_VALID_AFTER })))).toBe(true);
      expect(hosts()).toEqual(['a.test', 'b.test']);
      expect(world.reported).toMatchObject([{ outcome: 'settled' }]);
      expect(standing('a.test')).toMatchObject({ failed: 1, succeeded: 0 });
      expect(world.observed).toContainEqual({
        event: 'backend_rejects_bound',
        network: TOKEN.network,
        backend: 'a.test',
        error: reason.includes(' ') ? 'no_known_reason' : reason,
      });
      expect(world.observed).toContainEqual(
        expect.objectContaining({ event: 'backend_answered', backend: 'a.test', ok: false }),
      );
    },
  );

  test('pauses a backend that rejects three bound payments, also of a payer without a key signature', async () => {
    world.conduct['a.test'] = () =>
      answerWith({ errorReason: 'invalid_exact_evm_payload_authorization_valid_after' });
    for (let number = 1; number <= 3; number += 1) {
      const payment = {
        ...pay(number, { validAfter: BOUND_VALID_AFTER }),
        signature: '0x1234' as const,
      };
      world.payments.set(payment.authorization.nonce, payment);
      await settleOne(payment);
    }
    expect(standing('a.test')).toMatchObject({ state: 'open', failed: 3 });
    expect(world.reported.map(({ outcome }) => outcome)).toEqual(['settled', 'settled', 'settled']);
  });

  test.each([0n, BigInt(NOW - 1), BOUND_VALID_AFTER - 1n])(
    'the same answer about validAfter %i blames the payer',
    async (validAfter) => {
      world.conduct['a.test'] = () =>
        answerWith({ errorReason: 'invalid_exact_evm_payload_authorization_valid_after' });
      expect(isAcked(await settleOne(pay(1, { validAfter })))).toBe(false);
      expect(hosts()).toEqual(['a.test']);
      expect(standing('a.test')).toMatchObject({ failed: 0 });
      expect(world.observed.map(({ event }) => event)).not.toContain('backend_rejects_bound');
    },
  );

  test('if every backend rejects bound payments, one that ends unpresented is the fault of the gateway', async () => {
    for (const host of HOSTS)
      world.conduct[host] = () =>
        answerWith({ errorReason: 'invalid_exact_evm_payload_authorization_valid_after' });
    const payment = pay(1, { validAfter: BOUND_VALID_AFTER });
    expect(isAcked(await settleOne(payment))).toBe(false);
    expect(hosts()).toEqual(['a.test', 'b.test', 'c.test']);
    // The payment was presented and did not bounce, so the payer's later calls may still be deferred.
    expect(world.reported.map(({ outcome }) => outcome)).toEqual(['sent']);
    world.chain.mine(NOW + 3_601);
    await settleOne(payment, 2, NOW + 3_602);
    expect(world.reported.at(-1)).toMatchObject({
      outcome: 'failed',
      fault: 'gateway',
      reason: 'not_presented',
    });
  });

  test('a failure that the payment does not explain counts against the backend that claims it', async () => {
    world.conduct['a.test'] = () =>
      answerWith({ errorReason: 'invalid_exact_evm_transaction_failed' });
    for (let number = 1; number <= 3; number += 1) await settleOne(pay(number));
    expect(standing('a.test')).toMatchObject({ state: 'open', failed: 3 });
  });

  test.each<[string, (payment: Payment) => void]>([
    [
      'moves the money away',
      ({ authorization }) => world.chain.balances.set(authorization.from, 0n),
    ],
    ['cancels', (payment) => world.chain.cancel(payment)],
  ])('a payer that %s meanwhile cannot make others lose a backend', async (_, does) => {
    world.conduct['a.test'] = (payment) => {
      does(payment);
      return answerWith({ errorReason: 'invalid_exact_evm_transaction_failed' });
    };
    for (let number = 1; number <= 20; number += 1) await settleOne(pay(number));
    expect(standing('a.test')).toMatchObject({ state: 'closed', failed: 0 });
  });

  test('presents no payment that cannot be paid now', async () => {
    const payment = pay(1);
    world.chain.balances.set(payment.authorization.from, 999n);
    expect(isAcked(await settleOne(payment))).toBe(false);
    expect(world.presented).toEqual([]);
    world.chain.balances.set(payment.authorization.from, 1_000n);
    expect(isAcked(await settleOne(payment, 2))).toBe(true);
  });
});
