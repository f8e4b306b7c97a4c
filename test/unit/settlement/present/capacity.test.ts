import { describe, expect, test } from 'vitest';
import type { PostAll } from '../../../../src/settlement/backends/backend.ts';
import { postSettles } from '../../../../src/settlement/backends/facilitator-api.ts';
import { openInvocations } from '../../../../src/settlement/backends/invocations.ts';
import { NOW, paymentNumber, runningClock } from '../scripted.ts';
import {
  HOSTS,
  consume,
  deliver,
  honest,
  hosts,
  isAcked,
  openWith,
  pay,
  standing,
  withRelayer,
  world,
  useFailoverWorld,
} from './failover-world.ts';

useFailoverWorld();

describe('a batch beyond the width of the first backend', () => {
  const sharesOf = async (count: number) => {
    const messages = Array.from({ length: count }, (_, at) => deliver(pay(at + 1)));
    await consume(messages);
    expect(messages.every(isAcked)).toBe(true);
    return HOSTS.map((host) => hosts().filter((each) => each === host).length);
  };

  test('goes to the relayer at the same time, in one call', async () => {
    world.deps = { ...world.deps, backends: openWith(withRelayer(false), 4) };
    expect(await sharesOf(50)).toEqual([4, 0, 0]);
    expect(world.handedOver).toEqual([{ count: 46, urgent: false }]);
    // The first backend got the most urgent payments.
    expect(world.presented).toEqual(
      [1, 2, 3, 4].map((number) => ({
        host: 'a.test',
        nonce: paymentNumber(number).authorization.nonce,
      })),
    );
  });

  test('waits for the first backend alone once the relayer has declined it', async () => {
    world.relay = (relays) => relays.map(({ call }) => ({ call, verdict: 'gas' }));
    world.deps = { ...world.deps, backends: openWith(withRelayer(false), 4) };
    expect(await sharesOf(50)).toEqual([50, 0, 0]);
    expect(world.handedOver).toEqual([{ count: 46, urgent: false }]);
  });

  test('goes to the relayer as a whole while it shows a backlog', async () => {
    world.deps = { ...world.deps, backends: openWith(withRelayer(false), 200) };
    const batchOf = (overdue: number, fresh: number, from: number) =>
      Array.from({ length: overdue + fresh }, (_, at) =>
        deliver(pay(from + at), 1, at < overdue ? NOW - 15 : NOW - 14),
      );
    await consume(batchOf(50, 150, 1));
    expect([hosts(), world.handedOver]).toEqual([[], [{ count: 200, urgent: false }]]);
    // First too small a share of the batch is overdue, then too few payments are. Both times six go to the facilitator, one on each
    // connection.
    await consume(batchOf(50, 151, 1_001));
    await consume(batchOf(49, 0, 2_001));
    expect(hosts()).toEqual(Array.from({ length: 12 }, () => 'a.test'));
    expect(world.handedOver.map(({ count }) => count)).toEqual([200, 195, 43]);
  });

  test('goes to the facilitators in a backlog that the relayer declines', async () => {
    world.relay = (relays) => relays.map(({ call }) => ({ call, verdict: 'full' }));
    world.deps = { ...world.deps, backends: openWith(withRelayer(false), 200) };
    await consume(Array.from({ length: 60 }, (_, at) => deliver(pay(at + 1), 1, NOW - 60)));
    expect(world.handedOver).toEqual([{ count: 60, urgent: false }]);
    expect(hosts()).toHaveLength(60);
  });

  test('is not shared up to that width', async () => {
    world.deps = { ...world.deps, backends: openWith(withRelayer(false), 4) };
    expect(await sharesOf(4)).toEqual([4, 0, 0]);
    expect(world.handedOver).toEqual([]);
  });

  test('waits for the first backend without a relayer, and never uses more connections than a Worker has', async () => {
    world.clock = runningClock();
    world.deps = { ...world.deps, clock: world.clock, backends: openWith({}, 32) };
    let [onTheWay, most] = [0, 0];
    for (const host of HOSTS) {
      world.conduct[host] = async (payment) => {
        onTheWay += 1;
        most = Math.max(most, onTheWay);
        await world.clock.sleep(1_000);
        onTheWay -= 1;
        return honest(payment);
      };
    }
    expect(await sharesOf(24)).toEqual([24, 0, 0]);
    expect(most).toBe(6);
    // Deliveries that start at different backends use all three backends at once.
    most = 0;
    const messages = Array.from({ length: 24 }, (_, at) => deliver(pay(at + 101), (at % 3) + 1));
    await consume(messages);
    expect(new Set(hosts()).size).toBe(3);
    expect(messages.every(isAcked)).toBe(true);
    expect(most).toBe(6);
  });
});

describe('a batch with further invocations', () => {
  const consumeMany = async (count: number, postAll: PostAll) => {
    world.deps = { ...world.deps, invocations: openInvocations(postAll) };
    const messages = Array.from({ length: count }, (_, at) => deliver(pay(at + 1)));
    await consume(messages);
    return messages;
  };

  test('goes to the first backend up to its concurrency, and only the rest to the relayer', async () => {
    world.deps = { ...world.deps, backends: openWith(withRelayer(false), 64) };
    const messages = await consumeMany(100, postSettles);
    expect(messages.every(isAcked)).toBe(true);
    expect(hosts()).toEqual(Array.from({ length: 64 }, () => 'a.test'));
    expect(world.handedOver).toEqual([{ count: 36, urgent: false }]);
  });

  test('presents no payment again that a lost invocation had broadcast', async () => {
    world.deps = { ...world.deps, backends: openWith({}, 64) };
    const messages = await consumeMany(60, async (requests) => {
      await postSettles(requests);
      throw new Error('isolate reset');
    });
    // `useFailoverWorld` fails the test if a payment is presented after the chain shows it.
    expect(world.presented).toHaveLength(60);
    expect(messages.every(isAcked)).toBe(true);
    expect(world.reported.every(({ outcome }) => outcome === 'settled')).toBe(true);
    expect(standing('a.test')).toMatchObject({ failed: 0 });
  });

  test('presents payments of a lost invocation to another backend, and reports none as failed', async () => {
    world.deps = { ...world.deps, backends: openWith({}, 64) };
    const messages = await consumeMany(60, async () => {
      throw new Error('Worker invocation limit reached');
    });
    expect(messages.every(isAcked)).toBe(true);
    expect(world.presented).toHaveLength(60);
    expect(world.reported.every(({ outcome }) => outcome === 'settled')).toBe(true);
  });
});

describe('the end of a round', () => {
  test('starts no presentation after its time, and waits for no answer beyond it, however slow the backends are', async () => {
    const from = NOW * 1_000;
    const begun: string[] = [];
    world.clock = runningClock();
    world.deps = { ...world.deps, clock: world.clock, backends: openWith({}, 1) };
    // Each answer takes ten seconds on this clock.
    for (const host of HOSTS) {
      world.conduct[host] = async (payment) => {
        begun.push(`${host} ${world.clock.now() - from}`);
        await world.clock.sleep(10_000);
        return honest(payment);
      };
    }
    const messages = Array.from({ length: 50 }, (_, at) => deliver(pay(at + 1)));
    await consume(messages);
    // Each backend has 12 seconds to start presentations. Then the next backend gets its turn.
    expect(begun).toEqual([
      ...['a.test 0', 'a.test 10000', 'b.test 20000', 'b.test 30000', 'c.test 40000'],
    ]);
    const acked = messages.filter(isAcked).length;
    expect(acked).toBe(begun.length);
    // The other payments are retried and do not count against a backend.
    expect(world.deps.backends.health().every(({ failed }) => failed === 0)).toBe(true);
  });
});
