import { describe, expect, it } from 'vitest';
import {
  agentOf,
  callOf,
  claimsFor,
  creditLeft,
  dropped,
  lookedUp,
  offer,
  problem,
  receiptOf,
  scripted,
  served,
  URL_OF_TOOL,
  type Step,
  serve,
} from './server.ts';

const serveWithCredit: Step = async (arrived) =>
  await served(arrived, callOf(arrived), {}, creditLeft(50_000n));

const busy: Step = () => new Response('busy', { status: 503, headers: { 'Retry-After': '0' } });

const paidAt = (server: ReturnType<typeof scripted>) =>
  server.arrived.filter(({ headers }) => headers.has('PAYMENT-SIGNATURE'));

/** The result of a promise, or a timeout after three seconds. */
const endOf = async (promise: Promise<unknown>): Promise<unknown> =>
  await Promise.race([
    promise.then(
      () => 'answered',
      (cause: unknown) => cause,
    ),
    new Promise((resolve) => setTimeout(() => resolve('still waiting'), 3_000)),
  ]);

describe('an answer with a receipt', () => {
  it.each([503, 409])('is final, also %i with Retry-After from the tool', async (status) => {
    const failed: Step = async (arrived) =>
      new Response('busy', {
        status,
        headers: {
          'Retry-After': '0',
          'Agent-Receipt': await receiptOf(
            await claimsFor(arrived, callOf(arrived), 'busy', { status, charged: '0' }),
          ),
        },
      });
    const server = scripted(() => offer(), failed, failed, failed, failed, failed);
    const answer = await agentOf(server).fetch(URL_OF_TOOL);
    expect(answer.status).toBe(status);
    expect(answer.countersign).toMatchObject({
      attempts: 1,
      charged: 0n,
      receipt: { verified: true },
    });
  });
});

describe('a call from credit whose answer was lost', () => {
  it.each<[string, Step, Step]>([
    ['another offer', dropped, () => problem(400, 'intent-mismatch')],
    ['no credit', dropped, () => problem(403, 'denied', { rule: 'credit' })],
    ['another offer, after a 503 of a proxy', busy, () => problem(400, 'intent-mismatch')],
  ])(
    'is not signed again as a payment when its repeat is answered with %s',
    async (_, first, step) => {
      const server = scripted(
        () => offer(),
        serveWithCredit,
        first,
        step,
        () => offer(),
        serve,
      );
      const agent = agentOf(server);
      await agent.fetch(URL_OF_TOOL);
      const error = await endOf(agent.fetch(URL_OF_TOOL));
      expect(paidAt(server)).toHaveLength(1);
      expect(error).toMatchObject({ code: 'answer_lost', call: callOf(server.arrived[2]) });
    },
  );
});

describe('a remembered offer', () => {
  it('is requested again after the gateway answered an intent with 402', async () => {
    const server = scripted(
      () => offer(),
      serveWithCredit,
      () => offer(),
      () => offer(),
      serve,
    );
    const agent = agentOf(server);
    await agent.fetch(URL_OF_TOOL);
    expect(await endOf(agent.fetch(URL_OF_TOOL))).toMatchObject({ code: 'payment_refused' });
    expect(await endOf(agent.fetch(URL_OF_TOOL))).toBe('answered');
    expect(paidAt(server)).toHaveLength(2);
  });
});

describe('a 402 that is paid', () => {
  it('has its body cancelled, so that the connection is free', async () => {
    let cancelled = false;
    const asking: Step = () => {
      const { status, headers } = offer();
      return new Response(new ReadableStream({ cancel: () => void (cancelled = true) }), {
        status,
        headers,
      });
    };
    await agentOf(scripted(asking, serve)).fetch(URL_OF_TOOL);
    expect(cancelled).toBe(true);
  });
});

describe('a looked-up record that contradicts its verified receipt', () => {
  it('does not change the charged amount', async () => {
    const server: ReturnType<typeof scripted> = scripted(
      () => offer(),
      dropped,
      () => problem(409, 'already-used'),
      async () => await lookedUp(server.arrived[1], { charged: '0' }),
    );
    const answer = await agentOf(server).fetch(URL_OF_TOOL);
    expect(answer.countersign).toMatchObject({ charged: 20_000n, receipt: { verified: true } });
  });
});
