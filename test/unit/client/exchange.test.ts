import { describe, expect, it } from 'vitest';
import type { Retry } from '../../../src/client/index.ts';
import { utf8 } from '../../../src/crypto/bytes.ts';
import { problem as realProblem } from '../../../src/protocol/problem/problem.ts';
import { problemOf, type Reason } from '../../../src/protocol/problem/reason.ts';
import { all } from '../protocol/problem/examples.ts';
import {
  agentOf,
  base64Json,
  dropped,
  entry,
  lookedUp,
  NOW,
  offer,
  problem,
  scripted,
  served,
  URL_OF_TOOL,
  type Step,
  callOf,
  rejectionOf,
  serve,
} from './server.ts';

const isFinal = (reason: Reason): boolean => problemOf(reason).members.final === true;

const unavailable: Step = () => problem(503, 'storage-unavailable', {}, { 'Retry-After': '0' });

const halted: Step = () => problem(503, 'settlement-unavailable', {}, { 'Retry-After': '0' });

const running: Step = () => problem(409, 'in-progress', {}, { 'Retry-After': '0' });

/** Announces more bytes than it sends, so that the connection breaks within the body. */
const broken: Step = async (arrived) => {
  const whole = await served(arrived, callOf(arrived));
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      controller.enqueue(utf8('bon'));
      controller.error(new TypeError('connection closed'));
    },
  });
  return new Response(body, { headers: whole.headers });
};

describe.concurrent('a lost answer', () => {
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
    expect(retries).toMatchObject([{ call: callOf(first), attempt: 2 }]);
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
      const error = await rejectionOf(agent.fetch(URL_OF_TOOL));
      expect(error).toMatchObject({ code: 'answer_lost', call: callOf(server.arrived[1]) });
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
    const error = await rejectionOf(agentOf(server, { now: () => now }).fetch(URL_OF_TOOL));
    expect(error).toMatchObject({ code: 'answer_lost' });
    expect(server.arrived.length).toBeLessThanOrEqual(3);
  });

  const refusalsWith503 = all.flatMap(([status, reason]) => (status === 503 ? [reason] : []));

  it.each(refusalsWith503.filter(isFinal))(
    'is not awaited after a 503 that is final: $reason',
    async (reason) => {
      const server = scripted(
        () => offer(),
        async () => await realProblem(reason),
      );
      const answer = await agentOf(server, { retries: 4 }).fetch(URL_OF_TOOL);
      expect(answer.status).toBe(503);
      expect(answer.countersign).toMatchObject({ attempts: 1, problem: { final: true } });
    },
  );

  it.each(refusalsWith503.filter((reason) => !isFinal(reason)))(
    'is awaited after any other 503, and its last refusal is shown: $reason',
    async (reason) => {
      const refused = async () => {
        const response = await realProblem(reason);
        response.headers.set('Retry-After', '0');
        return response;
      };
      const server = scripted(() => offer(), refused, refused);
      const error = await rejectionOf(agentOf(server, { retries: 1 }).fetch(URL_OF_TOOL));
      const { detail } = problemOf(reason).members;
      expect(error).toMatchObject({ code: 'answer_lost', problem: { detail } });
      expect(String(error)).toContain(detail);
    },
  );

  const paused: Step = async () => await realProblem({ reason: 'secret_unavailable' });

  it.each([
    ['a closed connection', dropped, offer],
    ['503 of settlement whose outcome is unknown', halted, offer],
    ['503 of a proxy', () => new Response(null, { status: 503 }), offer],
    ['a closed connection, without a gateway', dropped, () => offer([entry()], {})],
  ] as const)(
    'after %s is lost if its repeat gets a final 503 and no stored answer exists',
    async (_, first, asks) => {
      const server = scripted(
        () => asks(),
        first,
        paused,
        () => problem(404, 'unknown-call'),
      );
      const agent = agentOf(server, { retries: 1 });
      const error = await rejectionOf(agent.fetch(URL_OF_TOOL));
      const { detail } = problemOf({ reason: 'secret_unavailable' }).members;
      expect(error).toMatchObject({
        code: 'answer_lost',
        call: callOf(server.arrived[1]),
        problem: { detail },
      });
      expect(String(error)).toContain(detail);
      expect(agent.spending()).toMatchObject({ signed: 20_000n });
    },
  );

  it.each([
    ['final 503', paused],
    ['402', () => offer()],
  ] as const)('is looked up after a %s to its repeat', async (_, refusal) => {
    const server: ReturnType<typeof scripted> = scripted(
      () => offer(),
      halted,
      refusal,
      async () => await lookedUp(server.arrived[1]),
    );
    const answer = await agentOf(server, { retries: 1 }).fetch(URL_OF_TOOL);
    expect(await answer.text()).toBe('bonjour');
    expect(answer.countersign).toMatchObject({ charged: 20_000n, receipt: { verified: true } });
  });

  it('whose repeat says that its settlement failed has that answer: nothing moved', async () => {
    const server = scripted(
      () => offer(),
      halted,
      async () => await realProblem({ reason: 'settlement_failed', fault: 'gateway' }),
    );
    const answer = await agentOf(server, { retries: 1 }).fetch(URL_OF_TOOL);
    expect([answer.status, answer.countersign.charged]).toEqual([503, 0n]);
  });

  it('whose repeat gets a 402 is lost, not refused: an earlier attempt may have paid', async () => {
    const used = { success: false, errorReason: 'nonce_used', transaction: '', network: '' };
    const server = scripted(
      () => offer([entry()], {}),
      dropped,
      () => new Response('{}', { status: 402, headers: { 'PAYMENT-RESPONSE': base64Json(used) } }),
    );
    const error = await rejectionOf(agentOf(server).fetch(URL_OF_TOOL));
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

describe.concurrent('other refusals', () => {
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
