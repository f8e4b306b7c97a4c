import { describe, expect, it } from 'vitest';
import type { AgentOptions, Retry } from '../../../src/client/index.ts';
import { commitmentOf, parseRetryKey } from '../../../src/protocol/intent/retry-key.ts';
import { parsePaymentSignature } from '../../../src/protocol/x402/payment-payload.ts';
import {
  agentOf,
  callOf,
  challenged,
  dropped,
  entry,
  GATEWAY,
  HASH,
  intentOf,
  offer,
  problem,
  scripted,
  served,
  URL_OF_TOOL,
  type Arrived,
  type Hex,
  type Step,
  serve,
} from './server.ts';

const used: Step = () => problem(409, 'already-used');
const running: Step = () => problem(409, 'in-progress', {}, { 'Retry-After': '0' });

const keyOf = (arrived: Arrived | undefined): string | null =>
  arrived?.headers.get('Agent-Retry-Key') ?? null;

/** The nonce of a request's intent, which may be in either form. */
const nonceOf = (arrived: Arrived | undefined): Hex | undefined => {
  const paid = parsePaymentSignature(arrived?.headers.get('PAYMENT-SIGNATURE') ?? '');
  return paid.ok ? paid.value.intent?.nonce : intentOf(arrived).intent.nonce;
};

const committed = (key: string | null): Hex | undefined => {
  const secret = parseRetryKey(key ?? '');
  return secret.ok ? commitmentOf(secret.value) : undefined;
};

const tool = async (more: Partial<AgentOptions>, ...steps: readonly Step[]) => {
  const retries: Retry[] = [];
  const server = scripted(...steps);
  const hooks = { onRetry: (retry: Retry) => retries.push(retry) };
  const answer = await agentOf(server, { hooks, ...more }).fetch(URL_OF_TOOL);
  return { answer, retries, arrived: server.arrived.slice(1) };
};

describe.concurrent.each([
  ['a bound payment', () => offer()],
  ['an Agent-Intent', () => challenged()],
])('the secret of %s', (_, ask: Step) => {
  it('stays in the client while the first attempt is answered', async () => {
    const { answer, arrived } = await tool(
      {},
      ask,
      async (each) => await served(each, callOf(each)),
    );
    expect(answer.status).toBe(200);
    expect(arrived.map(keyOf)).toEqual([null]);
  });

  it.each([
    ['no answer', dropped],
    ['a call that runs', running],
  ])('is part of every attempt after %s, the same each time', async (__, step) => {
    const { answer, arrived } = await tool({}, ask, step, step, serve);
    expect(answer.status).toBe(200);
    const [first, second, third] = arrived.map(keyOf);
    expect(first).toBeNull();
    expect(committed(second ?? null)).toBe(nonceOf(arrived[0]));
    expect(third).toBe(second);
    expect(arrived.map(nonceOf)).toEqual([
      nonceOf(arrived[0]),
      nonceOf(arrived[0]),
      nonceOf(arrived[0]),
    ]);
  });

  it('is part of a repeat after already_used on the first attempt, which a proxy had repeated', async () => {
    const { answer, arrived, retries } = await tool({}, ask, used, serve);
    expect(await answer.text()).toBe('bonjour');
    expect(arrived.map(keyOf)[0]).toBeNull();
    expect(committed(keyOf(arrived[1]))).toBe(nonceOf(arrived[0]));
    expect(retries).toEqual([
      { call: callOf(arrived[0]), attempt: 2, why: 'already_used', waitMs: 0 },
    ]);
    expect(answer.countersign.attempts).toBe(2);
  });

  it('is not sent where the caller allows no repeats', async () => {
    const { answer, arrived } = await tool({ retries: 0 }, ask, used);
    expect([answer.status, arrived.map(keyOf)]).toEqual([409, [null]]);
  });
});

it('two calls have two secrets', async () => {
  const steps = [() => offer(), dropped, serve];
  const server = scripted(...steps, ...steps);
  const agent = agentOf(server);
  await agent.fetch(URL_OF_TOOL);
  await agent.fetch(URL_OF_TOOL);
  const keys = server.arrived.map(keyOf).filter((key) => key !== null);
  expect(new Set(keys).size).toBe(2);
});

it('a plain payment has no secret', async () => {
  const { arrived } = await tool(
    {},
    () => offer([entry()], {}),
    dropped,
    () => new Response('bonjour'),
  );
  expect(arrived.map(keyOf)).toEqual([null, null]);
});

it('a look-up shows no secret, because the gateway stores no answer for it', async () => {
  const server = scripted(
    () => challenged(),
    dropped,
    () => problem(404, 'unknown-call'),
    used,
  );
  await expect(agentOf(server).look(GATEWAY, HASH)).rejects.toMatchObject({ code: 'look_failed' });
  expect(server.arrived.map(keyOf)).toEqual([null, null, null, null]);
});

it('rejects a secret that the caller sets, which would belong to another intent', async () => {
  const server = scripted(() => offer());
  const headers = { 'Agent-Retry-Key': 'x' };
  await expect(agentOf(server).fetch(URL_OF_TOOL, { headers })).rejects.toMatchObject({
    code: 'header_reserved',
  });
  expect(server.arrived).toEqual([]);
});
