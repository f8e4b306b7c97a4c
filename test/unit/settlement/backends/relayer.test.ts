import { describe, expect, test } from 'vitest';
import { NOW } from '../scripted.ts';
import {
  A,
  NETWORK,
  namesOf,
  open,
  patience,
  present,
  presentables,
  relayer,
  world,
  useBackendsWorld,
} from './backends-world.ts';

useBackendsWorld();

describe('the relayer', () => {
  test('gets all payments in one call, and answers each', async () => {
    const calls: [number, boolean][] = [];
    const verdicts = ['taken', 'full', 'refused', 'expired', 'unsupported', 'unavailable'] as const;
    world.relay = async (relays, urgent) => {
      calls.push([relays.length, urgent]);
      return relays.map(({ call }, at) => ({ call, verdict: verdicts[at] ?? 'taken' }));
    };
    const backends = open([A], relayer(true));
    expect(await present(backends, 7)).toEqual([
      { kind: 'taken' },
      { kind: 'declined', why: 'full' },
      { kind: 'claimed_failure', reason: 'refused' },
      { kind: 'claimed_failure', reason: 'expired' },
      { kind: 'declined', why: 'unsupported' },
      { kind: 'unreachable', why: 'unavailable' },
      { kind: 'taken' },
    ]);
    await backends.for(NETWORK)[0]?.present(presentables(1), patience('request'));
    expect(calls).toEqual([
      [7, false],
      [1, true],
    ]);
  });

  test.each<[string, typeof world.relay]>([
    ['throws', async () => Promise.reject(new Error('object reset'))],
    ['answers for others', async () => [{ call: `0x${'99'.repeat(32)}`, verdict: 'taken' }]],
    ['answers nothing', async () => []],
    [
      'returns an unknown verdict',
      async (relays) => relays.map(({ call }) => ({ call, verdict: 'postponed' as 'taken' })),
    ],
  ])('has taken only what it says it has taken: %s', async (_, answer) => {
    world.relay = answer;
    const backends = open([], relayer(true));
    expect(await present(backends)).toEqual([{ kind: 'unreachable', why: 'unavailable' }]);
    expect(backends.health()[0]).toMatchObject({ failed: 1 });
  });

  test('gets one health signal per call, however many payments it carries', async () => {
    world.relay = async () => Promise.reject(new Error('object reset'));
    const backends = open([A], relayer(true));
    await present(backends, 50);
    await present(backends, 50);
    expect(namesOf(backends)).toEqual(['relayer', 'a.test']);
    await present(backends, 50);
    expect(namesOf(backends)).toEqual(['a.test']);
  });

  test.each(['gas', 'unsupported'] as const)(
    'is paused after it answers %s to all',
    async (verdict) => {
      world.relay = async (relays) => relays.map(({ call }) => ({ call, verdict }));
      const backends = open([A], relayer(true));
      expect(await present(backends)).toMatchObject([{ kind: 'declined', why: verdict }]);
      expect(namesOf(backends)).toEqual(['a.test']);
      world.clock.set(NOW + 15);
      expect(namesOf(backends)).toEqual(['relayer', 'a.test']);
    },
  );

  test('is probed every fifteen seconds while it answers nothing, so that payments settle soon after an outage', async () => {
    world.relay = async () => Promise.reject(new Error('object reset'));
    const backends = open([A], relayer(true));
    for (let call = 0; call < 3; call += 1) await present(backends);
    for (let at = NOW + 5; at < NOW + 120; at += 15) {
      world.clock.set(at);
      expect(namesOf(backends)).toEqual(['relayer', 'a.test']);
      await present(backends);
      expect(namesOf(backends)).toEqual(['a.test']);
    }
  });

  test('stays available when gas is too dear for urgent payments, because others can wait', async () => {
    world.relay = async (relays) => relays.map(({ call }) => ({ call, verdict: 'fee' }));
    const backends = open([A], relayer(true));
    expect(await present(backends)).toEqual([{ kind: 'declined', why: 'fee' }]);
    expect(namesOf(backends)).toEqual(['relayer', 'a.test']);
    expect(backends.health()[0]).toMatchObject({ backend: 'relayer', failed: 0 });
  });

  test("gets no call, and no fault, after the caller's time or too close to its end", async () => {
    let calls = 0;
    world.relay = async (relays) => {
      calls += 1;
      return relays.map(({ call }) => ({ call, verdict: 'taken' }));
    };
    const backends = open([], relayer(true));
    const at = NOW * 1_000;
    const ask = async (startBy: number, endBy: number) =>
      backends.for(NETWORK)[0]?.present(presentables(1), {
        ...patience('request'),
        startBy: at + startBy,
        endBy: at + endBy,
      });
    const late = [{ kind: 'declined', why: 'busy' }];
    expect(await ask(-1, 29_999)).toEqual(late);
    expect(await ask(4_000, 4_000)).toEqual(late);
    expect(await ask(-30_000, -1)).toEqual(late);
    expect(calls).toBe(0);
    expect(backends.health()[0]?.failed ?? 0).toBe(0);
    expect(await ask(0, 5_000)).toEqual([{ kind: 'taken' }]);
  });

  test('keeps its health when it refuses a payment', async () => {
    world.relay = async (relays) => relays.map(({ call }) => ({ call, verdict: 'refused' }));
    const backends = open([], relayer(true));
    await present(backends, 20);
    expect(backends.health()[0]).toMatchObject({ state: 'closed', failed: 0, succeeded: 1 });
  });
});
