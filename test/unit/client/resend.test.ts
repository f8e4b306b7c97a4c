import { describe, expect, it } from 'vitest';
import type { AgentOptions, Retry } from '../../../src/client/index.ts';
import { encodeBase64, utf8 } from '../../../src/crypto/bytes.ts';
import { parseAgentIntent } from '../../../src/protocol/intent/signed-intent.ts';
import { parsePaymentSignature } from '../../../src/protocol/x402/payment-payload.ts';
import { requestDigest } from '../../../src/protocol/intent/observed-request.ts';
import { sha256Hex } from '../../../src/crypto/digest.ts';
import {
  agentOf,
  base64Json,
  BASE_SEPOLIA,
  challenged,
  claimsFor,
  dropped,
  entry,
  GATEWAY,
  HASH,
  NOW,
  offer,
  problem,
  receiptOf,
  scripted,
  served,
  URL_OF_TOOL,
  USDC,
  type Arrived,
  type Hex,
  type Step,
} from './server.ts';

const nonceOf = (arrived: Arrived | undefined): Hex => {
  const parsed = parsePaymentSignature(arrived?.headers.get('PAYMENT-SIGNATURE') ?? '');
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return parsed.value.authorization.nonce;
};

const serve: Step = async (arrived) => await served(arrived, nonceOf(arrived));
const unavailable: Step = () => problem(503, 'storage-unavailable', {}, { 'Retry-After': '0' });
const halted: Step = () => problem(503, 'settlement-unavailable', {}, { 'Retry-After': '0' });
const running: Step = () => problem(409, 'in-progress', {}, { 'Retry-After': '0' });
/** Announces more bytes than it sends: the connection breaks in the middle of the body. */
const broken: Step = async (arrived) => {
  const whole = await served(arrived, nonceOf(arrived));
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      controller.enqueue(utf8('bon'));
      controller.error(new TypeError('connection closed'));
    },
  });
  return new Response(body, { headers: whole.headers });
};

const failing = async (promise: Promise<unknown>): Promise<unknown> =>
  await promise.then(
    () => undefined,
    (cause: unknown) => cause,
  );

describe('a lost answer', () => {
  it.each([
    ['a closed connection', dropped],
    ['503', unavailable],
    ['503 of settlement that is not possible now', halted],
    ['409 with Retry-After', running],
    ['a body that breaks off', broken],
  ])('after %s is requested again with the same signature', async (_, step) => {
    const retries: Retry[] = [];
    const server = scripted(() => offer(), step, serve);
    const agent = agentOf(server, {
      hooks: {
        onRetry: (retry) => {
          retries.push(retry);
        },
      },
    });
    const answer = await agent.fetch(URL_OF_TOOL, { method: 'POST', body: 'hello' });
    const [, first, second] = server.arrived;
    expect(second?.headers.get('PAYMENT-SIGNATURE')).toBe(first?.headers.get('PAYMENT-SIGNATURE'));
    expect([first?.body, second?.body, second?.redirect]).toEqual(['hello', 'hello', 'manual']);
    expect(await answer.text()).toBe('bonjour');
    expect(answer.countersign).toMatchObject({ attempts: 2, receipt: { verified: true } });
    expect(agent.spending().signed).toBe(20_000n);
    expect(retries).toMatchObject([{ call: nonceOf(first), attempt: 2 }]);
  });

  it('after a timeout is requested again', async () => {
    const silent: Step = async () => await new Promise<Response>(() => undefined);
    const server = scripted(() => offer(), silent, serve);
    const answer = await agentOf(server, { timeoutSeconds: 1 }).fetch(URL_OF_TOOL);
    expect(answer.countersign.attempts).toBe(2);
  });

  it('that never arrives throws an error with the call id, without a second signature', async () => {
    for (const step of [dropped, unavailable, halted]) {
      const server = scripted(() => offer(), step, step, step);
      const agent = agentOf(server, { retries: 1 });
      const error = await failing(agent.fetch(URL_OF_TOOL));
      expect(error).toMatchObject({ code: 'answer_lost', call: nonceOf(server.arrived[1]) });
      expect(server.arrived).toHaveLength(3);
      expect(agent.spending().signed).toBe(20_000n);
    }
  });

  it('is not requested again once the proof has expired', async () => {
    let now = NOW;
    const late: Step = () => {
      now += 179;
      throw new TypeError('connection closed');
    };
    const server = scripted(() => offer(), late, late, late);
    const error = await failing(agentOf(server, { now: () => now }).fetch(URL_OF_TOOL));
    expect(error).toMatchObject({ code: 'answer_lost' });
    expect(server.arrived.length).toBeLessThanOrEqual(3);
  });

  it.each(['settlement-failed', 'paused', 'misconfigured'])(
    'is not awaited after a 503 with %s',
    async (name) => {
      const server = scripted(
        () => offer(),
        () => problem(503, name, {}, { 'Retry-After': '0' }),
      );
      const answer = await agentOf(server).fetch(URL_OF_TOOL);
      expect(answer.status).toBe(503);
      expect(answer.countersign.problem?.title).toBe(name);
    },
  );

  it('whose repeat gets a 402 is lost, not refused: an earlier attempt may have paid', async () => {
    const used = { success: false, errorReason: 'nonce_used', transaction: '', network: '' };
    const server = scripted(
      () => offer([entry()], {}),
      dropped,
      () => new Response('{}', { status: 402, headers: { 'PAYMENT-RESPONSE': base64Json(used) } }),
    );
    const error = await failing(agentOf(server).fetch(URL_OF_TOOL));
    expect(error).toMatchObject({ code: 'answer_lost' });
    expect(String(error)).toContain('nonce_used');
  });

  it('ends at once when the caller aborts', async () => {
    const stop = new AbortController();
    const server = scripted(
      () => offer(),
      () => problem(503, 'storage-unavailable', {}, { 'Retry-After': '20' }),
    );
    const agent = agentOf(server, {
      hooks: { onRetry: () => setTimeout(() => stop.abort(new Error('enough')), 10) },
    });
    await expect(agent.fetch(URL_OF_TOOL, { signal: stop.signal })).rejects.toThrow('enough');
    expect(agent.spending().signed).toBe(20_000n);
  });
});

describe('other refusals', () => {
  it('are returned as answers with their problem', async () => {
    const denied = {
      rule: 'per_call',
      limit: '1000',
      spent: '0',
      remaining: '1000',
      hint: 'Ask the owner.',
    };
    const server = scripted(
      () => offer(),
      () => problem(403, 'denied', denied),
    );
    const answer = await agentOf(server).fetch(URL_OF_TOOL);
    expect(answer.status).toBe(403);
    expect(answer.countersign).toMatchObject({
      charged: 0n,
      problem: { rule: 'per_call', hint: 'Ask the owner.' },
    });
    expect(await answer.json()).toMatchObject(denied);
  });

  it('without Retry-After, e.g. 409 conflict, are not repeated', async () => {
    const server = scripted(
      () => offer(),
      () => problem(409, 'conflict'),
    );
    expect((await agentOf(server).fetch(URL_OF_TOOL)).status).toBe(409);
    expect(server.arrived).toHaveLength(2);
  });
});

const record = async (
  arrived: Arrived | undefined,
  more: Readonly<Record<string, unknown>> = {},
) => {
  const url = new URL(arrived?.url ?? '');
  return {
    call: nonceOf(arrived),
    tool: 'translate',
    request: await requestDigest({
      audience: GATEWAY,
      tool: 'translate',
      method: arrived?.method ?? '',
      target: url.pathname + url.search,
      contentType: '',
      payloadDigest: sha256Hex(utf8('')),
    }),
    binding: 'intent',
    state: 'committed',
    asset: USDC,
    price: '20000',
    charged: '20000',
    paid_from: 'payment',
    payment: 'settled',
    transaction: HASH,
    accepted_at: NOW,
    entry: HASH,
    policy: HASH,
    answer: {
      status: 201,
      headers: { 'content-type': 'text/plain', 'x-tool': 'yes' },
      body: encodeBase64(utf8('bonjour')),
    },
    ...more,
  };
};

describe('already used', () => {
  it('on a repeat causes one look-up as the payer, and returns the stored answer', async () => {
    const server = scripted(
      () => offer(),
      dropped,
      () => problem(409, 'already-used'),
      async () => {
        const first = server.arrived[1];
        if (first === undefined) throw new Error('no payment');
        const claims = await claimsFor(first, nonceOf(first), 'bonjour', { status: 201 });
        return Response.json(await record(first), {
          headers: { 'Agent-Receipt': await receiptOf(claims) },
        });
      },
    );
    const answer = await agentOf(server).fetch(URL_OF_TOOL);
    expect([answer.status, answer.headers.get('x-tool'), await answer.text()]).toEqual([
      201,
      'yes',
      'bonjour',
    ]);
    expect(answer.countersign).toMatchObject({
      charged: 20_000n,
      transaction: HASH,
      attempts: 2,
      receipt: { verified: true },
    });
    const asked = server.arrived[3];
    expect(asked?.url).toBe(`${GATEWAY}/calls/${nonceOf(server.arrived[1])}`);
    const signed = parseAgentIntent(asked?.headers.get('Agent-Intent') ?? '');
    if (!signed.ok) throw new Error(JSON.stringify(signed.error));
    expect(signed.value.intent).toMatchObject({ tool: 'countersign.calls', maxAmount: 0n });
  });

  it.each([
    ['another request', { request: HASH }],
    ['no answer', { answer: null }],
    ['another call', { call: HASH }],
  ])('stays the answer where the record has %s', async (_, more) => {
    const server = scripted(
      () => offer(),
      dropped,
      () => problem(409, 'already-used'),
      async () => Response.json(await record(server.arrived[1], more)),
    );
    const answer = await agentOf(server).fetch(URL_OF_TOOL);
    expect(answer.countersign).toMatchObject({ charged: 0n, problem: { title: 'already-used' } });
  });

  it('causes no look-up without repeats, or at a server without intents', async () => {
    const at: Step = () => problem(409, 'already-used');
    const once = scripted(() => offer(), at);
    expect((await agentOf(once, { retries: 0 }).fetch(URL_OF_TOOL)).status).toBe(409);
    const plain = scripted(() => offer([entry()], {}), dropped, at);
    expect((await agentOf(plain).fetch(URL_OF_TOOL)).status).toBe(409);
  });
});

describe('look', () => {
  const calls = (): Response => challenged(', realm="a, AgentIntent b"');
  const looked = async (more: Partial<AgentOptions>, ...steps: readonly Step[]) => {
    const server = scripted(calls, ...steps);
    return { server, answer: await failing(agentOf(server, more).look(GATEWAY, HASH)) };
  };

  it('signs as the payer of the call, by the challenge', async () => {
    const server = scripted(
      () => offer(),
      serve,
      calls,
      async () => Response.json(await record(server.arrived[1])),
    );
    const agent = agentOf(server);
    const { countersign } = await agent.fetch(URL_OF_TOOL);
    const found = await agent.look(`${GATEWAY}/any`, countersign.call ?? '');
    expect(found).toMatchObject({
      charged: 20_000n,
      price: 20_000n,
      paidFrom: 'payment',
      answer: { status: 201 },
    });
  });

  it('tries every chain of the challenge, then throws unknown_call', async () => {
    const unknown: Step = () => problem(404, 'unknown-call');
    const { server, answer } = await looked({}, unknown, unknown);
    expect(answer).toMatchObject({ code: 'unknown_call', call: HASH });
    const chains = server.arrived.slice(1).map((each) => {
      const signed = parseAgentIntent(each.headers.get('Agent-Intent') ?? '');
      return signed.ok ? signed.value.chainId : 0;
    });
    expect(chains).toEqual([84532, 8453]);
    expect(BASE_SEPOLIA).toBe('eip155:84532');
  });

  it('rejects an answer that is not a record', async () => {
    const { answer } = await looked({}, () => Response.json({ call: HASH }));
    expect(answer).toMatchObject({ code: 'look_failed' });
  });

  it('signs for no other audience', async () => {
    const server = scripted(() =>
      problem(
        401,
        'intent-required',
        {},
        {
          'WWW-Authenticate': `AgentIntent audience="https://o.example", chains="eip155:1", tool="x"`,
        },
      ),
    );
    expect(await failing(agentOf(server).look(GATEWAY, HASH))).toMatchObject({
      code: 'audience_mismatch',
    });
  });
});
