import { describe, expect, test } from 'vitest';
import { openHealthChanges } from '../../../../src/settlement/operator-tables.ts';
import type { Address } from '../../../../src/core/hex.ts';
import { facilitatorAt, NOW, payerNumber } from '../scripted.ts';
import {
  A,
  B,
  ELSEWHERE,
  NETWORK,
  type Opened,
  breakDown,
  busy,
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

  test('has only the backend of the sender that a permit names', () => {
    const [one, other] = [payerNumber(1), payerNumber(2)];
    const facilitator = facilitatorAt(A, { uptoSender: other });
    const setting = relayer(true).relayers?.get(NETWORK);
    if (setting === undefined) throw new Error('a relayer');
    const relayers = new Map([
      [NETWORK, { ...setting, addresses: [one, payerNumber(3)] as const }],
    ]);
    const backends = open([facilitator, B], { relayers });
    const senders = (sender: Address) =>
      backends.for(NETWORK, payerNumber(9), sender).map(({ name }) => name);
    expect(senders(one)).toEqual(['relayer-00000000']);
    expect(senders(other)).toEqual(['a.test']);
    expect(senders(payerNumber(7))).toEqual([]);
    expect(backends.for(NETWORK, payerNumber(9)).length).toBe(3);
  });

  test('numbers two backends at one host instead of showing their paths, which may contain keys', () => {
    expect(namesOf(open([`${A}/hunter2`, `${A}/hunter3`]))).toEqual(['a.test', 'a.test#2']);
  });
});

describe('health', () => {
  test('leaves a backend out after three faults; after its pause it comes first and gets one payment', async () => {
    world.answers['a.test'] = busy;
    const backends = open([A, B]);
    await breakDown(backends);
    expect(namesOf(backends)).toEqual(['b.test']);
    world.clock.set(NOW + 5);
    expect(namesOf(backends)).toEqual(['a.test', 'b.test']);
    world.answers = {};
    const [a] = backends.for(NETWORK);
    const said = await present(backends, 3);
    expect(said.map(({ kind }) => kind)).toEqual(['claimed_success', 'declined', 'declined']);
    // A backend's own claim does not close its circuit.
    expect(backends.health()[0]?.state).toBe('half_open');
    a?.health.record('success');
    expect(backends.health()[0]).toMatchObject({ state: 'closed', succeeded: 1, failed: 3 });
    expect(namesOf(backends)).toEqual(['a.test', 'b.test']);
  });

  test('gives a backend no second payment during a probe', async () => {
    world.answers['a.test'] = busy;
    const backends = open([A, B]);
    await breakDown(backends);
    world.clock.set(NOW + 5);
    const [a] = backends.for(NETWORK);
    const one = a?.present(presentables(1), patience());
    expect(await a?.present(presentables(1), patience())).toEqual([
      { kind: 'declined', why: 'circuit_open' },
    ]);
    await one;
    expect(world.requests).toHaveLength(4);
  });

  test('pauses at once for the time of Retry-After', async () => {
    world.answers['a.test'] = () =>
      new Response('', { status: 429, headers: { 'retry-after': '30' } });
    const backends = open([A, B]);
    await present(backends);
    expect(namesOf(backends)).toEqual(['b.test']);
    world.clock.set(NOW + 29);
    expect(namesOf(backends)).toEqual(['b.test']);
    world.clock.set(NOW + 30);
    expect(namesOf(backends)).toEqual(['a.test', 'b.test']);
  });

  test('is separate for each network', async () => {
    world.answers['a.test'] = busy;
    const backends = open([A], { networks: [NETWORK, ELSEWHERE] });
    await breakDown(backends, 10);
    expect(namesOf(backends)).toEqual([]);
    expect(namesOf(backends, ELSEWHERE)).toEqual(['a.test']);
  });

  test('is down when every backend is paused and none is due for a probe', async () => {
    world.answers['a.test'] = world.answers['b.test'] = busy;
    const backends = open([A, B]);
    await breakDown(backends);
    expect(backends.isDown(NETWORK)).toBe(false);
    expect(backends.probeAt(NETWORK)).toBeUndefined();
    world.clock.set(NOW + 1);
    // The last working backend is paused later than the others.
    await breakDown(backends, 9);
    expect(backends.isDown(NETWORK)).toBe(false);
    await breakDown(backends, 1);
    expect(backends.isDown(NETWORK)).toBe(true);
    expect(backends.probeAt(NETWORK)).toBe(NOW + 5);
    world.clock.set(NOW + 5);
    expect(backends.isDown(NETWORK)).toBe(false);
    expect(backends.probeAt(NETWORK)).toBeUndefined();
  });

  test('tries a backend every 15 seconds when alone, and after its whole pause next to others', async () => {
    world.answers['a.test'] = busy;
    const failFor = async (backends: Opened, times: number, seconds: number) => {
      await breakDown(backends, times);
      for (let at = 0; at < seconds; at += 1) {
        world.clock.set(NOW + at);
        if (namesOf(backends)[0] === 'a.test') await present(backends);
      }
      return world.requests.length;
    };
    const alone = await failFor(open([A]), 10, 600);
    world.clock.set(NOW);
    world.requests = [];
    const among = await failFor(open([A, B]), 3, 600);
    // Ten failures open the circuit. Probes follow 5 and 15 seconds after that, then at 30, 45, … 585.
    expect(alone).toBe(10 + 2 + 38);
    // Three failures open the circuit. Probes follow 5, 15, 35, 75, 155 and 315 seconds after that.
    expect(among).toBe(3 + 6);
  });

  test('emits answers and changes as kinds, never as text of the backend', async () => {
    world.answers['a.test'] = () =>
      Response.json({ success: false, errorReason: 'Bearer hunter2 is wrong' });
    const backends = open([A, B]);
    await present(backends);
    world.answers['a.test'] = busy;
    await breakDown(backends);
    expect(world.observed).toEqual(
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
    world.answers['a.test'] = busy;
    await breakDown(backends);
    expect(at(201)).toEqual(['a.test']);
  });
});
