import { describe, expect, test, vi } from 'vitest';
import { facilitatorAt, NOW } from '../scripted.ts';
import { answerHosts } from '../scripted-chain.ts';
import {
  A,
  B,
  C,
  ELSEWHERE,
  NETWORK,
  busy,
  namesOf,
  open,
  present,
  presentables,
  success,
  world,
  patience,
  useBackendsWorld,
} from './backends-world.ts';

useBackendsWorld();

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
    // Two rounds for this network, and one for another network of the same facilitator.
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
    expect(world.requests).toHaveLength(2);
    expect(said.map(({ kind }) => kind)).toEqual([
      'claimed_success',
      'claimed_success',
      'declined',
      'declined',
      'declined',
    ]);
    // This does not count as a fault of the backend.
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
    const over = { ...patience(), startBy: world.clock.now() - 1 };
    const said = await backends.for(NETWORK)[0]?.present(presentables(2), over);
    expect(said?.map(({ kind }) => kind)).toEqual(['declined', 'declined']);
    expect(world.requests).toEqual([]);
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
  const lists = () => world.requests.filter((one) => one.endsWith('/supported'));

  test('leaves out a facilitator that does not list the network', async () => {
    world.answers['a.test'] = kinds(ELSEWHERE);
    world.answers['b.test'] = kinds(NETWORK);
    world.answers['c.test'] = kinds('eip155:*');
    const backends = open([A, B, C]);
    // Until the lists are read, every backend may be tried.
    expect(namesOf(backends)).toEqual(['a.test', 'b.test', 'c.test']);
    await backends.refresh(NETWORK);
    expect(namesOf(backends)).toEqual(['b.test', 'c.test']);
  });

  test.each<[string, object]>([
    ['version 1', { x402Version: 1, scheme: 'exact', network: NETWORK }],
    ['another scheme', { x402Version: 2, scheme: 'upto', network: NETWORK }],
    ['the name of version 1', { x402Version: 2, scheme: 'exact', network: 'base-sepolia' }],
  ])('does not count %s', async (_, kind) => {
    world.answers['a.test'] = () => Response.json({ kinds: [kind] });
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
    world.answers['a.test'] = answer;
    world.answers['b.test'] = kinds(NETWORK);
    const backends = open([A, B]);
    await backends.refresh(NETWORK);
    expect(namesOf(backends)).toEqual(['a.test', 'b.test']);
    // An unreadable list does not affect a facilitator's health.
    expect(backends.health().every(({ failed }) => failed === 0)).toBe(true);
  });

  test('is kept for ten minutes, a failure for one', async () => {
    world.answers['a.test'] = busy;
    world.answers['b.test'] = kinds(NETWORK);
    const backends = open([A, B]);
    const at = async (seconds: number) => {
      world.clock.set(NOW + seconds);
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
    expect(world.requests).toEqual([]);
  });

  test('is ignored if no facilitator lists the network', async () => {
    world.answers['a.test'] = world.answers['b.test'] = kinds(ELSEWHERE);
    const backends = open([A, B]);
    await backends.refresh(NETWORK);
    expect(namesOf(backends)).toEqual(['a.test', 'b.test']);
    expect(backends.isDown(NETWORK)).toBe(false);
  });
});
