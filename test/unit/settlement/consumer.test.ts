import { describe, expect, test } from 'vitest';
import { backendsAt, FACILITATOR, messageFor, NOW, paymentNumber } from './scripted.ts';
import type { Payment } from '../../../src/protocol/payment.ts';
import {
  type Conduct,
  type Delivered,
  consume,
  deliver,
  expectAcked,
  expectRetried,
  honest,
  outcomes,
  pay,
  answerWith,
  settleOne,
  world,
  useConsumerWorld,
} from './consumer-world.ts';

useConsumerWorld();

describe('the queue', () => {
  test('acknowledges only after the account has stored the result', async () => {
    const payment = pay(1);
    for (const how of ['unavailable', 'throws'] as const) {
      world.refusal = how;
      expectRetried(await settleOne(payment));
    }
    world.refusal = 'none';
    expectAcked(await settleOne(payment, 2));
    expect(outcomes()).toMatchObject([{ outcome: 'settled' }]);
    expect(world.presented).toHaveLength(1);
  });

  test('an account that does not answer delays no other account', async () => {
    const [bad, good] = [pay(1), pay(2)];
    const { account } = world.deps;
    world.deps = {
      ...world.deps,
      account: (id) => {
        if (id === messageFor(bad).account) throw new Error('overloaded');
        return account(id);
      },
    };
    const messages = [deliver(messageFor(bad)), deliver(messageFor(good))];
    await consume(messages);
    expectRetried(messages[0] as Delivered);
    expectAcked(messages[1] as Delivered);
    expect(world.reported.map(({ account: id }) => id)).toEqual([messageFor(good).account]);
  });

  test('sends the results of one account in one call', async () => {
    const { from } = paymentNumber(1).authorization;
    const own = [pay(1), pay(2, { from }), pay(3, { from })];
    await consume(own.map((one) => deliver(messageFor(one))));
    expect(world.reported).toHaveLength(1);
    expect(world.reported[0]?.results).toHaveLength(3);
  });

  test('presents and reports a message once that is delivered twice', async () => {
    const payment = pay(1);
    const messages = [deliver(messageFor(payment)), deliver(messageFor(payment))];
    await consume(messages);
    for (const message of messages) expectAcked(message);
    expect(world.presented).toHaveLength(1);
    expect(outcomes()).toHaveLength(1);
  });

  test('makes a malformed message a dead letter, and settles the other messages', async () => {
    const payment = pay(1);
    const messages = [deliver({ ...messageFor(payment), call: 'x' }), deliver(messageFor(payment))];
    await consume(messages);
    for (const message of messages) expectAcked(message);
    expect(world.letters).toMatchObject([
      { id: messages[0]?.id, queue: 'countersign-settlement', reason: 'malformed: call', at: NOW },
    ]);
    expect(outcomes()).toMatchObject([{ outcome: 'settled' }]);
  });

  test('retries a dead letter that was not recorded', async () => {
    world.deps = {
      ...world.deps,
      deadLetter: async () => await Promise.reject(new Error('database')),
    };
    const message = deliver('junk');
    await consume([message]);
    expectRetried(message);
    expect(world.letters).toEqual([]);
  });

  test('doubles pauses up to twenty seconds', async () => {
    world.chain.state.down = true;
    const pauses: (number | undefined)[] = [];
    for (let attempts = 1; attempts <= 7; attempts += 1) {
      const message = await settleOne(pay(1), attempts);
      pauses.push(message.retry.mock.calls[0]?.[0]?.delaySeconds);
    }
    expect(pauses).toEqual([2, 4, 8, 16, 20, 20, 20]);
  });

  test('leaves a waiting payment to the next message after twelve deliveries, and keeps it open', async () => {
    const payment = pay(1);
    world.conduct['facilitator.test'] = () => answerWith({ errorReason: 'insufficient_funds' });
    expectRetried(await settleOne(payment, 11));
    expectAcked(await settleOne(payment, 12, NOW + 60));
    world.chain.state.down = true;
    expectAcked(await settleOne(payment, 12, NOW + 120));
    expect(new Set(outcomes().map((one) => one?.outcome))).toEqual(new Set(['sent']));
    world.chain.state.down = false;
    world.conduct = {};
    expectAcked(await settleOne(payment, 1, NOW + 180));
    expect(outcomes().at(-1)).toMatchObject({ outcome: 'settled' });
  });

  test('retries a final result that was not stored, whatever the number of deliveries', async () => {
    const payment = pay(1);
    world.chain.pay(payment);
    world.refusal = 'unavailable';
    expectRetried(await settleOne(payment, 50));
  });

  test.each([
    ['five minutes before', -301, -300],
    ['five minutes after', 301, 300],
  ])('keeps retrying a message near its deadline, %s', async (_, far, near) => {
    world.conduct['facilitator.test'] = () => answerWith({ errorReason: 'insufficient_funds' });
    const payment = pay(1, { validBefore: BigInt(NOW) });
    expectAcked(await settleOne(payment, 20, NOW + far));
    expectRetried(await settleOne(payment, 20, NOW + near));
  });
});

describe('presenting', () => {
  test('presents the earliest deadline first, four at a time, fifty with three requests to the node', async () => {
    let running = 0;
    let most = 0;
    world.conduct['facilitator.test'] = async (payment) => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setTimeout(resolve, 1));
      running -= 1;
      return await honest(payment);
    };
    const all = Array.from({ length: 50 }, (_, at) =>
      pay(at + 1, { validBefore: BigInt(NOW + 1_000 - at) }),
    );
    const messages = all.map((one) => deliver(messageFor(one)));
    await consume(messages);
    for (const message of messages) expectAcked(message);
    expect(most).toBe(4);
    expect(world.presented.map(({ nonce }) => nonce)).toEqual(
      all.toReversed().map((one) => one.authorization.nonce),
    );
    expect(world.chain.batches).toHaveLength(3);
  });

  test('starts each delivery at another backend, because the one that rejected may be wrong', async () => {
    world.deps = {
      ...world.deps,
      backends: backendsAt([FACILITATOR, 'https://second.test'], { clock: world.clock }),
    };
    world.conduct['facilitator.test'] = () => answerWith({ errorReason: 'insufficient_funds' });
    const payment = pay(1);
    expectRetried(await settleOne(payment));
    expect(world.presented.map(({ host }) => host)).toEqual(['facilitator.test']);
    expectAcked(await settleOne(payment, 2));
    expect(world.presented.map(({ host }) => host)).toEqual(['facilitator.test', 'second.test']);
  });

  test('pauses a failing backend, and uses the next one in the same round', async () => {
    world.deps = {
      ...world.deps,
      backends: backendsAt([FACILITATOR, 'https://second.test'], { clock: world.clock }),
    };
    world.conduct['facilitator.test'] = () => new Response('down', { status: 503 });
    const messages = Array.from({ length: 30 }, (_, at) => deliver(messageFor(pay(at + 1))));
    await consume(messages);
    const first = world.presented.filter(({ host }) => host === 'facilitator.test').length;
    expect(first).toBeGreaterThanOrEqual(3);
    expect(first).toBeLessThanOrEqual(6);
    for (const message of messages) expectAcked(message);
    expect(world.presented).toHaveLength(30 + first);
  });

  test('payments wait without any backend', async () => {
    world.deps = { ...world.deps, backends: backendsAt([], { clock: world.clock }) };
    expectRetried(await settleOne(pay(1)));
    expect(world.reported).toEqual([]);
  });
});

describe('a message of several payments', () => {
  const several = (payments: readonly Payment[], attempts = 1): Delivered =>
    deliver(
      payments.map((payment) => messageFor(payment)),
      attempts,
    );
  const refuse: Conduct = () => answerWith({ errorReason: 'insufficient_funds' });
  const refuseSecond: Conduct = (payment) =>
    payment.authorization.nonce === paymentNumber(2).authorization.nonce
      ? refuse(payment)
      : honest(payment);

  test('is acknowledged once each of them has ended, and each is presented once', async () => {
    const message = several([pay(1), pay(2), pay(3)]);
    await consume([message]);
    expectAcked(message);
    expect(world.presented).toHaveLength(3);
    expect(outcomes()).toHaveLength(3);
    expect(world.sentAgain).toEqual([]);
  });

  test('continues with its open payments alone, which keep the number of their deliveries', async () => {
    world.conduct['facilitator.test'] = refuseSecond;
    const message = several([pay(1), pay(2), pay(3)], 3);
    await consume([message]);
    expectAcked(message);
    const [again] = world.sentAgain;
    expect(world.sentAgain).toHaveLength(1);
    expect(again?.payments).toEqual([{ ...messageFor(paymentNumber(2)), deliveries: 3 }]);
    expect(again?.delaySeconds).toBe(8);
    // The next message ends where a single message would have ended: after twelve deliveries of the payment.
    const next = deliver({ ...messageFor(paymentNumber(2)), deliveries: 11 });
    world.conduct['facilitator.test'] = refuse;
    await consume([next], NOW + 60);
    expectAcked(next);
  });

  test('is retried whole if none has ended, or if the open ones could not be sent on', async () => {
    world.conduct['facilitator.test'] = refuse;
    const open = several([pay(1), pay(2)]);
    await consume([open]);
    expectRetried(open, 4);
    expect(world.sentAgain).toEqual([]);
    world.conduct['facilitator.test'] = refuseSecond;
    world.deps = {
      ...world.deps,
      sendAgain: async () => await Promise.reject(new Error('queue unavailable')),
    };
    const unsent = several([pay(3), pay(2)]);
    await consume([unsent], NOW + 60);
    expectRetried(unsent);
  });

  test('is retried whole if its account stored nothing', async () => {
    world.refusal = 'unavailable';
    const message = several([pay(1), pay(2)]);
    await consume([message]);
    expectRetried(message);
    expect(world.sentAgain).toEqual([]);
  });

  test('makes dead letters of its malformed payments alone', async () => {
    const payment = pay(1);
    const bad = { ...messageFor(payment), call: 'x' };
    const message = deliver([messageFor(payment), bad, bad]);
    await consume([message]);
    expectAcked(message);
    expect(world.letters.map(({ id }) => id)).toEqual([`${message.id}-1`, `${message.id}-2`]);
    expect(outcomes()).toMatchObject([{ outcome: 'settled' }]);
    const worse = deliver([bad]);
    await consume([worse]);
    expectAcked(worse);
  });

  test('waits for the next round if a round has no room for it', async () => {
    const messages = Array.from({ length: 7 }, (_, at) =>
      several(Array.from({ length: 50 }, (__, index) => pay(at * 50 + index + 1))),
    );
    await consume(messages);
    const [last, ...others] = messages.toReversed();
    for (const message of others) expectAcked(message);
    expectRetried(last as Delivered, 0);
    expect(world.presented).toHaveLength(300);
  });
});
