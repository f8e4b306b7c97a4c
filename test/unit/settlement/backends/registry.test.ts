import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Relay, Relayed } from '../../../../src/protocol/relayer-contract.ts';
import type { Facilitator } from '../../../../src/settlement/backends/facilitator.ts';
import type { RelayerSetting } from '../../../../src/settlement/backends/relayer.ts';
import type { BackendSettings } from '../../../../src/settlement/backends/registry.ts';
import { openHealthChanges } from '../../../../src/settlement/operator-tables.ts';
import type { SettlementEvent } from '../../../../src/settlement/telemetry.ts';
import {
  answerHosts,
  backendsAt,
  facilitatorAt,
  NOW,
  OTHER,
  paymentNumber,
  standingClock,
  TOKEN,
} from '../scripted.ts';

const [A, B, C] = ['https://a.test', 'https://b.test', 'https://c.test'];
const NETWORK = TOKEN.network;
const ELSEWHERE = 'eip155:8453';

let clock: ReturnType<typeof standingClock>;
let asked: string[];
let answers: Record<string, (path: string) => Response>;
let observed: SettlementEvent[];
let relay: (relays: readonly Relay[], urgent: boolean) => Promise<readonly Relayed[]>;

const success = () => Response.json({ success: true, transaction: `0x${'aa'.repeat(32)}` });
const busy = () => new Response('busy', { status: 503 });

beforeEach(() => {
  clock = standingClock();
  asked = [];
  answers = {};
  observed = [];
  relay = async (relays) => relays.map(({ call }) => ({ call, verdict: 'taken' }));
  const at = (host: string) => (_: unknown, path: string) => {
    asked.push(`${host}${path}`);
    return (answers[host] ?? success)(path);
  };
  answerHosts({ 'a.test': at('a.test'), 'b.test': at('b.test'), 'c.test': at('c.test') });
});
afterEach(() => {
  vi.restoreAllMocks();
});

const open = (
  facilitators: readonly (string | Facilitator)[],
  settings: Partial<BackendSettings> = {},
) =>
  backendsAt(
    facilitators,
    {
      clock,
      emit: (event) => void observed.push(event),
      relayer: () => ({ relay: async (relays, urgent) => relay(relays, urgent) }),
    },
    settings,
  );
const relayer = (first: boolean): Partial<BackendSettings> => {
  const setting: RelayerSetting = { address: OTHER, batch: 100, wait: 2, maxFeePerGas: 1n, first };
  return { relayers: new Map([[NETWORK, setting]]) };
};
type Opened = ReturnType<typeof open>;
const namesOf = (backends: Opened, network: `eip155:${number}` = NETWORK) =>
  backends.for(network).map(({ name }) => name);
const presentables = (count: number) =>
  Array.from({ length: count }, (_, at) => {
    const payment = paymentNumber(at + 1);
    const { from, nonce } = payment.authorization;
    return { account: `eip155:84532:${from}`, call: nonce, payment, sinceBlock: 100 } as const;
  });
const patience = (source: 'queue' | 'request' = 'queue') =>
  ({ waitMs: 0, startBy: clock.now() + 40_000, endBy: clock.now() + 50_000, source }) as const;
/** Presents `count` payments to the first backend. */
const present = async (backends: Opened, count = 1) =>
  (await backends.for(NETWORK)[0]?.present(presentables(count), patience())) ?? [];
const breakDown = async (backends: Opened, times = 3) => {
  for (let at = 0; at < times; at += 1) await present(backends);
};

describe('the order', () => {
  test('has facilitators as configured, the relayer first or last', () => {
    expect(namesOf(open([A, B]))).toEqual(['a.test', 'b.test']);
    expect(namesOf(open([A, B], relayer(true)))).toEqual(['relayer', 'a.test', 'b.test']);
    expect(namesOf(open([A, B], relayer(false)))).toEqual(['a.test', 'b.test', 'relayer']);
    expect(namesOf(open([], relayer(true)))).toEqual(['relayer']);
  });

  test('has only the backends of the network', () => {
    const networks = { networks: [NETWORK, ELSEWHERE] as const };
    const backends = open([facilitatorAt(A, { networks: [ELSEWHERE] }), B], networks);
    expect(namesOf(backends)).toEqual(['b.test']);
    expect(namesOf(backends, ELSEWHERE)).toEqual(['a.test', 'b.test']);
    expect(namesOf(backends, 'eip155:1')).toEqual([]);
  });

  test('numbers two backends at one host instead of showing their paths, which may contain keys', () => {
    expect(namesOf(open([`${A}/hunter2`, `${A}/hunter3`]))).toEqual(['a.test', 'a.test#2']);
  });
});

describe('health', () => {
  test('leaves a backend out after three faults; after its pause it comes first and gets one payment', async () => {
    answers['a.test'] = busy;
    const backends = open([A, B]);
    await breakDown(backends);
    expect(namesOf(backends)).toEqual(['b.test']);
    clock.set(NOW + 5);
    expect(namesOf(backends)).toEqual(['a.test', 'b.test']);
    answers = {};
    const [a] = backends.for(NETWORK);
    const said = await present(backends, 3);
    expect(said.map(({ kind }) => kind)).toEqual(['claimed_success', 'declined', 'declined']);
    // Its claim alone does not close the circuit.
    expect(backends.health()[0]?.state).toBe('half_open');
    a?.health.record('success');
    expect(backends.health()[0]).toMatchObject({ state: 'closed', succeeded: 1, failed: 3 });
    expect(namesOf(backends)).toEqual(['a.test', 'b.test']);
  });

  test('gives a backend no second payment during a probe', async () => {
    answers['a.test'] = busy;
    const backends = open([A, B]);
    await breakDown(backends);
    clock.set(NOW + 5);
    const [a] = backends.for(NETWORK);
    const one = a?.present(presentables(1), patience());
    expect(await a?.present(presentables(1), patience())).toEqual([
      { kind: 'declined', why: 'circuit_open' },
    ]);
    await one;
    expect(asked).toHaveLength(4);
  });

  test('pauses at once for the time of Retry-After', async () => {
    answers['a.test'] = () => new Response('', { status: 429, headers: { 'retry-after': '30' } });
    const backends = open([A, B]);
    await present(backends);
    expect(namesOf(backends)).toEqual(['b.test']);
    clock.set(NOW + 29);
    expect(namesOf(backends)).toEqual(['b.test']);
    clock.set(NOW + 30);
    expect(namesOf(backends)).toEqual(['a.test', 'b.test']);
  });

  test('is separate for each network', async () => {
    answers['a.test'] = busy;
    const backends = open([A], { networks: [NETWORK, ELSEWHERE] });
    await breakDown(backends, 10);
    expect(namesOf(backends)).toEqual([]);
    expect(namesOf(backends, ELSEWHERE)).toEqual(['a.test']);
  });

  test('is down when every backend is paused and none is due for a probe', async () => {
    answers['a.test'] = answers['b.test'] = busy;
    const backends = open([A, B]);
    await breakDown(backends);
    expect(backends.isDown(NETWORK)).toBe(false);
    expect(backends.probeAt(NETWORK)).toBeUndefined();
    clock.set(NOW + 1);
    // The last working backend is paused later.
    await breakDown(backends, 9);
    expect(backends.isDown(NETWORK)).toBe(false);
    await breakDown(backends, 1);
    expect(backends.isDown(NETWORK)).toBe(true);
    expect(backends.probeAt(NETWORK)).toBe(NOW + 5);
    clock.set(NOW + 5);
    expect(backends.isDown(NETWORK)).toBe(false);
    expect(backends.probeAt(NETWORK)).toBeUndefined();
  });

  test('tries a backend every 15 seconds when alone, and after its whole pause beside others', async () => {
    answers['a.test'] = busy;
    const failFor = async (backends: Opened, times: number, seconds: number) => {
      await breakDown(backends, times);
      for (let at = 0; at < seconds; at += 1) {
        clock.set(NOW + at);
        if (namesOf(backends)[0] === 'a.test') await present(backends);
      }
      return asked.length;
    };
    const alone = await failFor(open([A]), 10, 600);
    clock.set(NOW);
    asked = [];
    const among = await failFor(open([A, B]), 3, 600);
    // 5 and 15 seconds after it opened, then 30, 45, … 585.
    expect(alone).toBe(10 + 2 + 38);
    // 5, 15, 35, 75, 155, 315 seconds after it opened.
    expect(among).toBe(3 + 6);
  });

  test('emits answers and changes as kinds, never as text of the backend', async () => {
    answers['a.test'] = () =>
      Response.json({ success: false, errorReason: 'Bearer hunter2 is wrong' });
    const backends = open([A, B]);
    await present(backends);
    answers['a.test'] = busy;
    await breakDown(backends);
    expect(observed).toEqual(
      [
        expect.objectContaining({ event: 'backend_answered', ok: false, error: 'no_known_reason' }),
        ...['not_json', 'not_json', 'not_json'].map((error) =>
          expect.objectContaining({
            event: 'backend_answered',
            backend: 'a.test',
            ok: false,
            error,
          }),
        ),
        { event: 'backend_circuit', network: NETWORK, backend: 'a.test', state: 'open' },
      ].toSorted((one, other) => Number('state' in one) - Number('state' in other)),
    );
    expect(backends.health()[0]).toEqual({
      network: NETWORK,
      backend: 'a.test',
      state: 'open',
      succeeded: 0,
      failed: 3,
      lastError: 'not_json',
      lastErrorAt: NOW,
    });
  });
});

describe('limits of a facilitator', () => {
  test('never exceeds its concurrency, over rounds and networks', async () => {
    let running = 0;
    let most = 0;
    const pause = async () => new Promise((resolve) => setTimeout(resolve, 1));
    vi.restoreAllMocks();
    answerHosts({
      'a.test': async () => {
        running += 1;
        most = Math.max(most, running);
        await pause();
        running -= 1;
        return success();
      },
    });
    const backends = open([facilitatorAt(A, { concurrency: 3 })], {
      networks: [NETWORK, ELSEWHERE],
    });
    const waiting = { ...patience(), waitMs: 10_000 };
    // Two rounds, and another network of the same facilitator.
    const said = await Promise.all(
      [NETWORK, NETWORK, ELSEWHERE].map(
        async (network) =>
          (await backends.for(network as typeof NETWORK)[0]?.present(presentables(10), waiting)) ??
          [],
      ),
    );
    expect(most).toBe(3);
    expect(said.flat().filter(({ kind }) => kind === 'claimed_success').length).toBeGreaterThan(9);
  });

  test('presents nothing without a place in time', async () => {
    const backends = open([facilitatorAt(A, { concurrency: 1, perSecond: 2 })]);
    const said = await present(backends, 5);
    expect(asked).toHaveLength(2);
    expect(said.map(({ kind }) => kind)).toEqual([
      'claimed_success',
      'claimed_success',
      'declined',
      'declined',
      'declined',
    ]);
    // That is no fault of the backend.
    expect(backends.health()[0]).toMatchObject({ state: 'closed', failed: 0 });
  });

  test('presents the most urgent payment first, whatever waits', async () => {
    const order: string[] = [];
    vi.restoreAllMocks();
    answerHosts({
      'a.test': (body) => {
        const { paymentPayload } = body as {
          paymentPayload: { payload: { authorization: { nonce: string } } };
        };
        order.push(paymentPayload.payload.authorization.nonce);
        return success();
      },
    });
    const backends = open([facilitatorAt(A, { concurrency: 4, perSecond: 3 })]);
    const all = presentables(9);
    await backends.for(NETWORK)[0]?.present(all, { ...patience(), waitMs: 30_000 });
    expect(order).toEqual(all.map(({ call }) => call));
  });

  test('starts no presentation after the time limit', async () => {
    const backends = open([A]);
    const over = { ...patience(), startBy: clock.now() - 1 };
    const said = await backends.for(NETWORK)[0]?.present(presentables(2), over);
    expect(said?.map(({ kind }) => kind)).toEqual(['declined', 'declined']);
    expect(asked).toEqual([]);
  });
});

describe('/supported', () => {
  const kinds =
    (...networks: string[]) =>
    () =>
      Response.json({
        kinds: networks.map((network) => ({ x402Version: 2, scheme: 'exact', network, extra: {} })),
        extensions: [],
        signers: { 'eip155:*': [] },
      });
  const lists = () => asked.filter((one) => one.endsWith('/supported'));

  test('leaves out a facilitator that does not list the network', async () => {
    answers['a.test'] = kinds(ELSEWHERE);
    answers['b.test'] = kinds(NETWORK);
    answers['c.test'] = kinds('eip155:*');
    const backends = open([A, B, C]);
    // Before the list is read, every backend may be tried.
    expect(namesOf(backends)).toEqual(['a.test', 'b.test', 'c.test']);
    await backends.refresh(NETWORK);
    expect(namesOf(backends)).toEqual(['b.test', 'c.test']);
  });

  test.each<[string, object]>([
    ['version 1', { x402Version: 1, scheme: 'exact', network: NETWORK }],
    ['another scheme', { x402Version: 2, scheme: 'upto', network: NETWORK }],
    ['the name of version 1', { x402Version: 2, scheme: 'exact', network: 'base-sepolia' }],
  ])('does not count %s', async (_, kind) => {
    answers['a.test'] = () => Response.json({ kinds: [kind] });
    const backends = open([A, B]);
    await backends.refresh(NETWORK);
    expect(namesOf(backends)).toEqual(['b.test']);
  });

  test.each<[string, () => Response]>([
    ['an error', busy],
    ['a page', () => new Response('<html>')],
    ['another form', () => Response.json({ kinds: 'all' })],
    ['a refusal', () => Response.json({ kinds: [] }, { status: 401 })],
    ['a flood', () => Response.json({ kinds: [], more: 'x'.repeat(300_000) })],
  ])('keeps a facilitator whose list cannot be read: %s', async (_, answer) => {
    answers['a.test'] = answer;
    answers['b.test'] = kinds(NETWORK);
    const backends = open([A, B]);
    await backends.refresh(NETWORK);
    expect(namesOf(backends)).toEqual(['a.test', 'b.test']);
    // That does not affect its health.
    expect(backends.health().every(({ failed }) => failed === 0)).toBe(true);
  });

  test('is kept for ten minutes, a failure for one', async () => {
    answers['a.test'] = busy;
    answers['b.test'] = kinds(NETWORK);
    const backends = open([A, B]);
    const at = async (seconds: number) => {
      clock.set(NOW + seconds);
      await backends.refresh(NETWORK);
      return lists().length;
    };
    expect(await at(0)).toBe(2);
    expect(await at(59)).toBe(2);
    expect(await at(60)).toBe(3);
    expect(await at(599)).toBe(4);
    expect(await at(600)).toBe(5);
  });

  test('is read by one request, while the others continue', async () => {
    const backends = open([A, B]);
    await Promise.all([backends.refresh(NETWORK), backends.refresh(NETWORK)]);
    expect(lists()).toHaveLength(2);
  });

  test('is not read if the setting lists networks, nor with a single backend', async () => {
    await open([
      facilitatorAt(A, { networks: [NETWORK] }),
      facilitatorAt(B, { networks: [NETWORK] }),
    ]).refresh(NETWORK);
    await open([A]).refresh(NETWORK);
    expect(asked).toEqual([]);
  });

  test('is ignored if no facilitator lists the network', async () => {
    answers['a.test'] = answers['b.test'] = kinds(ELSEWHERE);
    const backends = open([A, B]);
    await backends.refresh(NETWORK);
    expect(namesOf(backends)).toEqual(['a.test', 'b.test']);
    expect(backends.isDown(NETWORK)).toBe(false);
  });
});

describe('the relayer', () => {
  test('gets all payments in one call, and answers each', async () => {
    const calls: [number, boolean][] = [];
    const verdicts = ['taken', 'full', 'refused', 'expired', 'unsupported', 'unavailable'] as const;
    relay = async (relays, urgent) => {
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

  test.each<[string, typeof relay]>([
    ['throws', async () => Promise.reject(new Error('object reset'))],
    ['answers for others', async () => [{ call: `0x${'99'.repeat(32)}`, verdict: 'taken' }]],
    ['answers nothing', async () => []],
    [
      'returns an unknown verdict',
      async (relays) => relays.map(({ call }) => ({ call, verdict: 'postponed' as 'taken' })),
    ],
  ])('has taken only what it says it has taken: %s', async (_, answer) => {
    relay = answer;
    const backends = open([], relayer(true));
    expect(await present(backends)).toEqual([{ kind: 'unreachable', why: 'unavailable' }]);
    expect(backends.health()[0]).toMatchObject({ failed: 1 });
  });

  test('gets one health signal per call, however many payments it carries', async () => {
    relay = async () => Promise.reject(new Error('object reset'));
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
      relay = async (relays) => relays.map(({ call }) => ({ call, verdict }));
      const backends = open([A], relayer(true));
      expect(await present(backends)).toMatchObject([{ kind: 'declined', why: verdict }]);
      expect(namesOf(backends)).toEqual(['a.test']);
      clock.set(NOW + 15);
      expect(namesOf(backends)).toEqual(['relayer', 'a.test']);
    },
  );

  test('stays available when gas is too dear for urgent payments, because others can wait', async () => {
    relay = async (relays) => relays.map(({ call }) => ({ call, verdict: 'fee' }));
    const backends = open([A], relayer(true));
    expect(await present(backends)).toEqual([{ kind: 'declined', why: 'fee' }]);
    expect(namesOf(backends)).toEqual(['relayer', 'a.test']);
    expect(backends.health()[0]).toMatchObject({ backend: 'relayer', failed: 0 });
  });

  test("gets no call, and no fault, after the caller's time or too close to its end", async () => {
    let calls = 0;
    relay = async (relays) => {
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
    relay = async (relays) => relays.map(({ call }) => ({ call, verdict: 'refused' }));
    const backends = open([], relayer(true));
    await present(backends, 20);
    expect(backends.health()[0]).toMatchObject({ state: 'closed', failed: 0, succeeded: 1 });
  });
});

describe('the health for operators', () => {
  test('is written at once for a change, else once a minute, and never for an unused backend', async () => {
    const backends = open([A, B]);
    const news = openHealthChanges();
    const at = (seconds: number) =>
      news(backends.health(), NOW + seconds).map(({ backend }) => backend);
    expect(at(0)).toEqual([]);
    backends.for(NETWORK)[0]?.health.record('success');
    expect(at(0)).toEqual(['a.test']);
    backends.for(NETWORK)[0]?.health.record('success');
    expect(at(59)).toEqual([]);
    expect(at(60)).toEqual(['a.test']);
    expect(at(200)).toEqual([]);
    answers['a.test'] = busy;
    await breakDown(backends);
    expect(at(201)).toEqual(['a.test']);
  });
});
