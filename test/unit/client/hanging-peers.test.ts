import { describe, expect, it, vi } from 'vitest';
import { utf8 } from '../../../src/crypto/bytes.ts';
import {
  account,
  AGENT,
  agentOf,
  callOf,
  GATEWAY,
  HASH,
  offer,
  problem,
  scripted,
  served,
  URL_OF_TOOL,
  type Hex,
  type Step,
  serve,
} from './server.ts';

/** The result of a promise, or a timeout after three seconds. */
const endOf = async (promise: Promise<unknown>): Promise<unknown> =>
  await Promise.race([
    promise.then(
      () => 'answered',
      (cause: unknown) => cause,
    ),
    new Promise((resolve) => setTimeout(() => resolve('still waiting'), 3_000)),
  ]);

/** A body that starts and never continues. */
const stuck = (begin = '{"x402'): ReadableStream<Uint8Array> =>
  new ReadableStream({ start: (controller) => controller.enqueue(utf8(begin)) });

describe.concurrent('a body that never ends', () => {
  const problemType = { 'Content-Type': 'application/problem+json' };
  const challenge = `AgentIntent audience="${GATEWAY}", chains="eip155:84532"`;
  it.each<[string, Step[]]>([
    ['of a 402 without the header', [() => new Response(stuck(), { status: 402 })]],
    ['of a problem', [() => new Response(stuck(), { status: 500, headers: problemType })]],
    [
      'of a 401 that names its tool there',
      [() => new Response(stuck(), { status: 401, headers: { 'WWW-Authenticate': challenge } })],
    ],
    ['of a refusal', [() => offer(), () => new Response(stuck(), { status: 402 })]],
  ])('%s does not block the caller', async (_, steps) => {
    const agent = agentOf(scripted(...steps), { timeoutSeconds: 1, retries: 0 });
    expect(await endOf(agent.fetch(URL_OF_TOOL))).not.toBe('still waiting');
  });

  it('of a look-up does not block the caller', async () => {
    const server = scripted(
      () =>
        problem(
          401,
          'intent-required',
          {},
          { 'WWW-Authenticate': `${challenge}, tool="countersign.calls"` },
        ),
      () => new Response(stuck()),
    );
    const agent = agentOf(server, { timeoutSeconds: 1, retries: 0 });
    expect(await endOf(agent.look(GATEWAY, HASH))).toMatchObject({ code: 'look_failed' });
  });

  it('of the keys loses no answer, also where fetch ignores its signal', async () => {
    const server = scripted(() => offer(), serve);
    const fetch = (async (input: unknown, init?: RequestInit) =>
      String(input).endsWith('jwks.json')
        ? await new Promise<Response>(() => undefined)
        : await server.fetch(input as string, init)) as typeof globalThis.fetch;
    expect(await endOf(agentOf({ fetch }, { timeoutSeconds: 1 }).fetch(URL_OF_TOOL))).toBe(
      'answered',
    );
  });
});

describe('a signer that never answers', () => {
  it('does not block an abort of the caller, and the budget counts nothing', async () => {
    const stop = new AbortController();
    const server = scripted(() => offer(), serve);
    const agent = agentOf(server, {
      account: {
        address: AGENT,
        signTypedData: async () => await new Promise<Hex>(() => undefined),
      },
    });
    setTimeout(() => stop.abort(new Error('enough')), 20);
    expect(await endOf(agent.fetch(URL_OF_TOOL, { signal: stop.signal }))).toMatchObject({
      message: 'enough',
    });
    expect([agent.spending().signed, server.arrived.length]).toEqual([0n, 1]);
    expect(account.address.toLowerCase()).toBe(AGENT);
  });
});

describe('a hook that never answers', () => {
  it.each(['onOffer', 'onSign'] as const)(
    'as %s does not block an abort of the caller',
    async (name) => {
      const stop = new AbortController();
      const server = scripted(() => offer(), serve);
      const agent = agentOf(server, {
        hooks: { [name]: async () => await new Promise(() => undefined) },
      });
      setTimeout(() => stop.abort(new Error('enough')), 20);
      const end = endOf(agent.fetch(URL_OF_TOOL, { signal: stop.signal }));
      expect(await end).toMatchObject({ message: 'enough' });
      expect([agent.spending().signed, server.arrived.length]).toEqual([0n, 1]);
    },
  );
});

describe('a slow answer with a receipt', () => {
  it('may take as long as the timeout, and is not lost before', async () => {
    vi.useFakeTimers();
    try {
      const slow: Step = async (arrived) => {
        const { headers } = await served(arrived, callOf(arrived));
        const body = new ReadableStream<Uint8Array>({
          start: (controller) => {
            controller.enqueue(utf8('bon'));
            setTimeout(() => {
              controller.enqueue(utf8('jour'));
              controller.close();
            }, 60_000);
          },
        });
        return new Response(body, { headers });
      };
      const pending = agentOf(
        scripted(() => offer(), slow),
        { retries: 0 },
      ).fetch(URL_OF_TOOL);
      const ended = pending.then(
        (answer) => answer.countersign.receipt,
        (cause: unknown) => cause,
      );
      for (let second = 0; second < 70; second += 1) await vi.advanceTimersByTimeAsync(1_000);
      expect(await ended).toMatchObject({ verified: true });
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('a challenge that names a chain many times', () => {
  it('causes one look-up on that chain', async () => {
    const chains = ['eip155:84532', ...Array<string>(60).fill('eip155:8453')].join(' ');
    const challenge = `AgentIntent audience="${GATEWAY}", chains="${chains}", tool="countersign.calls"`;
    const asking: Step = () =>
      problem(401, 'intent-required', {}, { 'WWW-Authenticate': challenge });
    const unknown: Step = () => problem(404, 'unknown-call');
    const server = scripted(asking, ...Array<Step>(61).fill(unknown));
    expect(await endOf(agentOf(server).look(GATEWAY, HASH))).toMatchObject({
      code: 'unknown_call',
    });
    expect(server.arrived).toHaveLength(3);
  });
});
