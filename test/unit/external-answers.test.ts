import { describe, expect, inject, it } from 'vitest';
import { rpcBatch } from '../../src/settlement/chain/json-rpc.ts';
import { getJson, postJson } from '../../src/settlement/post-json.ts';
import { dispatch } from '../../src/gateway/dispatch.ts';
import { readSupported } from '../../src/settlement/backends/facilitator-api.ts';
import { postSettle } from '../../src/settlement/backends/facilitator-api.ts';
import { AUDIENCE, configOf, toolOf } from './gateway/fixture.ts';
import { paymentNumber } from './settlement/scripted.ts';
import { receivedFor } from './webhooks/world.ts';

/** A local server that answers without end (`endless`), byte by byte (`trickle`), or never (`slow`). */
const receiver = inject('receiver');
const BEHAVIOURS = ['trickle', 'slow'] as const;
const BRIEF_MS = 300;
/** Time within which even a slow machine notices an aborted connection. */
const SOON_MS = 5_000;
let run = 0;
/** A key for one request, because tests run concurrently. */
const newKey = (): string => `answers-${(run += 1)}`;
const url = (behaviour: string, key = newKey()): string => `${receiver}/${behaviour}/${key}`;

const within = async <T>(work: () => Promise<T>, ms = SOON_MS): Promise<T> => {
  const began = Date.now();
  const result = await work();
  expect(Date.now() - began).toBeLessThan(ms);
  return result;
};

/** Calls a tool with a timeout of one second whose upstream has this behaviour. */
const dispatched = async (behaviour: string) => {
  const upstream = `/${behaviour}/${newKey()}`;
  const tool = toolOf({ method: '*', path: '/echo/*', upstream, timeoutSeconds: 1 });
  return await dispatch(
    { ...configOf([tool]), upstreamUrl: receiver },
    tool,
    {
      audience: AUDIENCE,
      tool: tool.id,
      method: 'POST',
      target: '/echo/a',
      contentType: 'text/plain',
      payloadDigest: `0x${'00'.repeat(32)}`,
      body: undefined,
      request: `0x${'11'.repeat(32)}`,
    },
    {
      headers: new Headers(),
      assertion: 'the.jws.here',
      maxCharge: tool.price,
      service: undefined,
    },
  );
};

describe.concurrent.each(BEHAVIOURS)('a server whose answer never ends: %s', (behaviour) => {
  it('makes an RPC endpoint time out', async () => {
    const call = { method: 'eth_blockNumber', params: [] };
    const answer = await within(() => rpcBatch([url(behaviour)], [call], { timeoutMs: BRIEF_MS }));
    expect(answer).toEqual({ ok: false, error: { kind: 'timeout' } });
  });

  it('makes a facilitator unreachable', async () => {
    const said = await within(() =>
      postSettle({ url: url(behaviour) }, paymentNumber(1), BRIEF_MS),
    );
    expect(said).toEqual({ kind: 'unreachable', why: 'timeout' });
    expect(await within(() => readSupported(url(behaviour), {}))).toBeUndefined();
  });

  it('makes an upstream time out', async () => {
    expect(await within(() => dispatched(behaviour))).toEqual({
      kind: 'failed',
      reason: 'timeout',
    });
  });
});

describe.concurrent('an endless answer', () => {
  it.each<[string, (to: string) => Promise<unknown>]>([
    ['of a POST', (to) => postJson(to, {}, { timeoutMs: SOON_MS, maxBytes: 100_000 })],
    ['of a GET', (to) => getJson(to, { timeoutMs: SOON_MS, maxBytes: 100_000 })],
  ])('%s is rejected as too large at the limit', async (_, ask) => {
    const key = newKey();
    expect(await within(() => ask(url('endless', key)))).toEqual({
      ok: false,
      error: { kind: 'too_large' },
    });
    const [received] = await receivedFor(key);
    // The sockets' buffers add to the bytes that the client read.
    expect(received?.sentBytes).toBeLessThan(16 * 1024 * 1024);
  });
});
