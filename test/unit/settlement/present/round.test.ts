import { describe, expect, test } from 'vitest';
import type { Payment } from '../../../../src/protocol/payment.ts';
import { messageFor, NOW, OTHER, paymentNumber, RPC } from '../scripted.ts';
import { canceledLog, transferLog, usedLog } from '../scripted-chain.ts';
import {
  type Conduct,
  consume,
  deliver,
  expectAcked,
  expectRetried,
  outcomes,
  pay,
  answerWith,
  settleOne,
  world,
  useConsumerWorld,
} from '../consumer-world.ts';

useConsumerWorld();

describe('the chain decides', () => {
  test('presents, observes again, reports to the account, acknowledges', async () => {
    const payment = pay(1);
    const message = await settleOne(payment);
    expectAcked(message);
    expect(world.reported).toMatchObject([
      {
        account: messageFor(payment).account,
        results: [{ call: payment.authorization.nonce, outcome: 'settled', block: 101 }],
      },
    ]);
  });

  test('presents no used nonce: a third account settled it', async () => {
    const payment = pay(1);
    const transaction = world.chain.pay(payment);
    expectAcked(await settleOne(payment));
    expect(world.presented).toEqual([]);
    expect(outcomes()).toMatchObject([{ outcome: 'settled', transaction }]);
  });

  test('settles nothing on a claimed success without a transfer, and presents again after two blocks', async () => {
    const payment = pay(1);
    world.conduct['facilitator.test'] = () =>
      answerWith({ success: true, transaction: `0x${'ee'.repeat(32)}` });
    expectRetried(await settleOne(payment), 4);
    expect(outcomes()).toMatchObject([{ outcome: 'sent', backend: 'facilitator.test' }]);
    world.chain.mine();
    expectRetried(await settleOne(payment, 2, NOW + 2));
    expect(world.presented).toHaveLength(1);
    world.chain.mine();
    world.conduct = {};
    expectAcked(await settleOne(payment, 3, NOW + 6));
    expect(world.presented).toHaveLength(2);
  });

  test.each<[string, Conduct]>([
    [
      'failure is claimed after a transfer',
      (payment) => (world.chain.pay(payment), answerWith({ errorReason: 'insufficient_funds' })),
    ],
    [
      '500 after broadcasting',
      (payment) => (world.chain.pay(payment), new Response('oops', { status: 500 })),
    ],
    [
      'the connection breaks after broadcasting',
      (payment) => {
        world.chain.pay(payment);
        throw new TypeError('connection reset');
      },
    ],
    [
      'pending, and then a block comes',
      (payment) =>
        answerWith({ errorReason: 'settlement_pending', transaction: world.chain.pay(payment) }),
    ],
  ])('settles although: %s', async (_, does) => {
    world.conduct['facilitator.test'] = does;
    expectAcked(await settleOne(pay(1)));
    expect(outcomes()).toMatchObject([{ outcome: 'settled' }]);
  });

  test.each<[string, (payment: Payment) => void, string]>([
    [
      'spent on itself',
      (one) =>
        world.chain.emit(
          [usedLog(one), transferLog(one, { to: one.authorization.from })],
          [one.authorization.nonce],
        ),
      'spent_otherwise',
    ],
    [
      'cancelled',
      (one) => world.chain.emit([canceledLog(one)], [one.authorization.nonce]),
      'cancelled',
    ],
  ])("the payer's fault: %s", async (_, spend, reason) => {
    const payment = pay(1);
    spend(payment);
    expectAcked(await settleOne(payment));
    expect(world.presented).toEqual([]);
    expect(outcomes()).toMatchObject([{ outcome: 'failed', fault: 'payer', reason }]);
  });

  test('counts a twin transfer in one transaction for one payment only', async () => {
    const [first, twin] = [pay(1), pay(2, { from: paymentNumber(1).authorization.from })];
    world.chain.emit(
      [usedLog(first), transferLog(first, { to: OTHER }), usedLog(twin), transferLog(twin)],
      [first.authorization.nonce, twin.authorization.nonce],
    );
    await consume([deliver(messageFor(first)), deliver(messageFor(twin))]);
    const byCall = new Map(outcomes().map((one) => [one?.call, one?.outcome]));
    expect(byCall.get(first.authorization.nonce)).toBe('failed');
    expect(byCall.get(twin.authorization.nonce)).toBe('settled');
  });
});

describe('without the chain nothing is final', () => {
  test('the node is down: presents nothing, and reports nothing', async () => {
    world.chain.state.down = true;
    const message = await settleOne(pay(1));
    expectRetried(message, 2);
    expect(world.presented).toEqual([]);
    expect(world.reported).toEqual([]);
  });

  test('the node goes down after presenting: reports sent, and no more', async () => {
    const payment = pay(1);
    world.conduct['facilitator.test'] = (one) => {
      const transaction = world.chain.pay(one);
      world.chain.state.down = true;
      return answerWith({ success: true, transaction });
    };
    expectRetried(await settleOne(payment));
    expect(outcomes()).toMatchObject([{ outcome: 'sent' }]);
    world.chain.state.down = false;
    expectAcked(await settleOne(payment, 2));
    expect(world.presented).toHaveLength(1);
  });

  test('waits for the confirmations of a settlement', async () => {
    world.deps = {
      ...world.deps,
      chains: new Map([['eip155:84532', { urls: [RPC], confirmations: 2 }]]),
    };
    const payment = pay(1);
    expectRetried(await settleOne(payment));
    expect(outcomes()).toMatchObject([{ outcome: 'sent' }]);
    world.chain.mine();
    expectAcked(await settleOne(payment, 2));
    expect(world.presented).toHaveLength(1);
  });

  test('payments of a network that was removed from the configuration wait', async () => {
    world.deps = { ...world.deps, chains: new Map() };
    expectRetried(await settleOne(pay(1)));
    expect(world.reported).toEqual([]);
  });

  test('no backend for ten minutes: makes no debt, and settles afterwards', async () => {
    const payment = pay(1);
    world.conduct['facilitator.test'] = () => {
      throw new TypeError('connection refused');
    };
    for (let attempts = 1, now = NOW; now < NOW + 600; attempts += 1) {
      const message = await settleOne(payment, (attempts % 7) + 1, now);
      expectRetried(message);
      now += message.retry.mock.calls[0]?.[0]?.delaySeconds ?? 0;
      world.chain.mine(now);
    }
    expect(outcomes().every((one) => one?.outcome === 'sent')).toBe(true);
    world.conduct = {};
    expect(world.presented.length).toBeLessThan(60);
    expectAcked(await settleOne(payment, 20, NOW + 630));
    expect(outcomes().at(-1)).toMatchObject({ outcome: 'settled' });
  });
});

describe('past validBefore', () => {
  const late = { validBefore: BigInt(NOW + 10) };

  test('by the clock only, without new blocks: nothing is final and nothing is presented', async () => {
    expectRetried(await settleOne(pay(1, late), 3, NOW + 1_000), 8);
    expect(world.presented).toEqual([]);
    expect(world.reported).toEqual([]);
  });

  test('unused and funded is our loss, and no debt', async () => {
    const payment = pay(1, late);
    world.chain.mine(NOW + 11);
    expectAcked(await settleOne(payment, 3, NOW + 12));
    expect(outcomes()).toEqual([
      {
        call: payment.authorization.nonce,
        outcome: 'failed',
        fault: 'gateway',
        reason: 'not_presented',
      },
    ]);
  });

  test("unused and one unit short is the payer's debt", async () => {
    const payment = pay(1, late);
    world.chain.balances.set(payment.authorization.from, 999n);
    world.chain.mine(NOW + 11);
    expectAcked(await settleOne(payment, 3, NOW + 12));
    expect(outcomes()).toMatchObject([{ outcome: 'failed', fault: 'payer', reason: 'unfunded' }]);
  });

  test('nothing is final in the block dated at validBefore', async () => {
    const payment = pay(1, late);
    world.chain.mine(NOW + 10);
    expectRetried(await settleOne(payment, 3, NOW + 12));
    expect(world.reported).toEqual([]);
  });

  test('no pause extends far beyond the deadline', async () => {
    world.conduct['facilitator.test'] = () => answerWith({ errorReason: 'insufficient_funds' });
    expectRetried(await settleOne(pay(1, late), 6, NOW + 5), 7);
    expect(world.presented).toHaveLength(1);
  });
});

describe('observing released payments', () => {
  const released = (payment: Payment) => {
    const { signature: _, ...message } = messageFor(payment, { kind: 'look' });
    return deliver(message);
  };
  const late = { validBefore: BigInt(NOW + 10) };

  test('presents none of them while they are valid', async () => {
    const message = released(pay(1));
    await consume([message]);
    expectRetried(message);
    expect(world.presented).toEqual([]);
  });

  test('reports one that another party settled later', async () => {
    const payment = pay(1, late);
    world.chain.pay(payment);
    const message = released(payment);
    await consume([message], NOW + 60);
    expectAcked(message);
    expect(outcomes()).toMatchObject([{ outcome: 'settled' }]);
  });

  test('leaves them released, without debt, if unused after validBefore, spent otherwise or cancelled', async () => {
    const [unused, spent, cancelled] = [pay(1, late), pay(2, late), pay(3, late)];
    world.chain.emit(
      [usedLog(spent), transferLog(spent, { to: OTHER })],
      [spent.authorization.nonce],
    );
    world.chain.emit([canceledLog(cancelled)], [cancelled.authorization.nonce]);
    world.chain.mine(NOW + 11);
    world.chain.balances.clear();
    const messages = [unused, spent, cancelled].map(released);
    await consume(messages, NOW + 60);
    for (const message of messages) expectAcked(message);
    expect(outcomes().map((one) => one?.outcome)).toEqual(['released', 'released', 'released']);
  });
});
