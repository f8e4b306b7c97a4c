import { describe, expect, test } from 'vitest';
import type { Payment } from '../../../../src/protocol/payment.ts';
import { messageFor, NOW, PAY_TO } from '../scripted.ts';
import {
  type Conduct,
  consume,
  deliver,
  expectRetried,
  outcomes,
  pay,
  answerWith,
  settleOne,
  world,
  useConsumerWorld,
} from '../consumer-world.ts';

useConsumerWorld();

describe('a payment that cannot be presented', () => {
  const refused: Conduct = () => answerWith({ errorReason: 'invalid_exact_evm_signature' });
  const sent = { outcome: 'sent', backend: 'facilitator.test' };
  const bounced = (reason: string) => ({
    outcome: 'bounced',
    reason,
    backend: 'facilitator.test',
  });

  test.each<[string, string, (payment: Payment) => void]>([
    [
      'the token moves nothing from its payer',
      'refused',
      ({ authorization }) => void world.chain.refusing.add(authorization.from),
    ],
    [
      'code at the payer does not accept the signature',
      'code',
      ({ authorization }) => void world.chain.codes.set(authorization.from, '0x00'),
    ],
  ])(
    'is reported to its account with the reason that our node shows: %s',
    async (_, reason, happens) => {
      world.conduct['facilitator.test'] = refused;
      const payment = pay(1);
      happens(payment);
      expectRetried(await settleOne(payment));
      expect(outcomes()).toMatchObject([bounced(reason)]);
      expect(world.recorded.at(-1)?.error).toBe(`bounced_${reason}`);
    },
  );

  test('is reported also if it was not presented, because its payer lacks funds', async () => {
    const payment = pay(1);
    world.chain.balances.set(payment.authorization.from, 999n);
    expectRetried(await settleOne(payment));
    expect(world.presented).toEqual([]);
    expect(outcomes()).toEqual([
      { call: payment.authorization.nonce, outcome: 'bounced', reason: 'unfunded' },
    ]);
  });

  test.each([
    'invalid_exact_evm_signature',
    'invalid_exact_evm_payload_authorization_valid_after',
    'insufficient_funds',
    'no reason at all',
  ])(
    'has not bounced if a facilitator claims "%s" and our node would move it',
    async (errorReason) => {
      world.conduct['facilitator.test'] = () => answerWith({ errorReason });
      await settleOne(pay(1));
      expect(outcomes()).toMatchObject([sent]);
    },
  );

  test.each<[string, (payment: Payment) => void]>([
    [
      'the token is paused, or transfers nothing to us',
      () => void world.chain.refusing.add(PAY_TO),
    ],
    ['the node does not answer', () => void world.chain.hidden.add('eth_getCode')],
    ['the node lags behind the block of acceptance', () => void (world.chain.state.head = 100)],
  ])('does not cost its payer deferred service if %s', async (_, happens) => {
    world.conduct['facilitator.test'] = refused;
    const payment = pay(1);
    world.chain.refusing.add(payment.authorization.from);
    world.chain.mine();
    const message = deliver(messageFor(payment, { sinceBlock: 101 }));
    await consume([message]);
    expect(outcomes()).toMatchObject([bounced('refused')]);
    world.reported = [];
    happens(payment);
    await consume([deliver(messageFor(payment, { sinceBlock: 101 }), 2)], NOW + 40);
    expect(outcomes().filter((one) => one?.outcome === 'bounced')).toEqual([]);
  });

  test('is queried after fifteen seconds, even if a backend has it in hand', async () => {
    world.conduct['facilitator.test'] = () =>
      answerWith({ success: true, transaction: `0x${'ee'.repeat(32)}` });
    const payment = pay(1);
    world.chain.refusing.add(payment.authorization.from);
    const body = messageFor(payment, { acceptedAt: NOW });
    await consume([deliver(body)]);
    expect(outcomes()).toMatchObject([sent]);
    await consume([deliver(body, 2)], NOW + 15);
    expect(outcomes().at(-1)).toMatchObject({ outcome: 'bounced', reason: 'refused' });
  });

  test('costs settling payments no query', async () => {
    await settleOne(pay(1));
    expect(world.chain.batches.flat().filter(({ method }) => method === 'eth_getCode')).toEqual([]);
  });
});
