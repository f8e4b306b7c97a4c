import { afterEach, describe, expect, it, vi } from 'vitest';
import { serveMcp } from '../../../src/mcp/endpoint.ts';
import { SERVER_INFO } from '../../../src/mcp/server.ts';
import pkg from '../../../package.json';
import { useVectorsClock } from '../../support/vectors-clock.ts';
import { toolOf } from '../gateway/fixture.ts';
import { KEY_ACCOUNT, network, scriptedGateway } from '../gateway/scripted.ts';
import { translate, vectorConfig } from '../gateway/signing.ts';
import {
  callOf,
  intentOf,
  problemIn,
  readRpc,
  requestOf,
  send,
  sendModern,
  wire,
} from './fixture.ts';

useVectorsClock();
afterEach(() => vi.unstubAllGlobals());

const given = { text: 'hello' };
const long = toolOf({ id: 'long', method: 'POST', path: '/tools/long', price: 20_000n });
const config = vectorConfig([translate, long]);
const MIB = 1024 * 1024;

const rpc = (method: string) => ({ jsonrpc: '2.0', id: 1, method, params: callOf(given) });

describe('a gateway that is not configured', () => {
  const fault = {
    ok: false,
    error: { reason: 'misconfigured', faults: [{ name: 'PAY_TO', reason: 'must be set' }] },
  } as const;

  it('answers a call with a result, and other requests with an error, both with the fault', async () => {
    const call = await readRpc(await serveMcp(fault, requestOf(rpc('tools/call'))));
    expect(problemIn(call, 'misconfigured')['detail']).toContain('PAY_TO');
    const list = await readRpc(await serveMcp(fault, requestOf(rpc('tools/list'))));
    expect(list).toMatchObject({
      status: 200,
      error: { code: -32603, message: 'PAY_TO must be set.' },
    });
  });
});

describe('a paused gateway', () => {
  it('refuses calls and lists its tools', async () => {
    const { gateway, asked } = await scriptedGateway({ ...config, paused: true });
    const meta = { 'countersign/intent': wire(await intentOf('translate', given)) };
    problemIn(await send(gateway, 'tools/call', callOf(given, meta)), 'paused');
    expect((await send(gateway, 'tools/list')).result?.['tools']).toHaveLength(2);
    expect(asked).toEqual([]);
  });
});

describe('replays over MCP', () => {
  it('meet the rate limit', async () => {
    network(KEY_ACCOUNT);
    const { gateway } = await scriptedGateway(config);
    const limited = { ...gateway, rateLimit: async () => false };
    const meta = { 'countersign/intent': wire(await intentOf('translate', given)) };
    const first = await send(limited, 'tools/call', callOf(given, meta));
    expect(first.result?.isError).toBeUndefined();
    const again = await send(limited, 'tools/call', callOf(given, meta));
    expect(problemIn(again, 'too-many-requests')['retry_after']).toBe(10);
  });
});

describe('a long answer', () => {
  const call = async (body: () => Response) => {
    network(KEY_ACCOUNT, body);
    const { gateway, asked } = await scriptedGateway(config);
    const meta = { 'countersign/intent': wire(await intentOf('long', given)) };
    return { answer: await send(gateway, 'tools/call', callOf(given, meta, 'long')), asked };
  };
  const textOf = (bytes: number) => () =>
    new Response('x'.repeat(bytes), { headers: { 'Content-Type': 'text/plain' } });

  it('of 1 MiB is returned and not stored; a longer one has failed and is not charged', async () => {
    const whole = await call(textOf(MIB));
    expect(whole.answer.result?.content[0]?.text).toHaveLength(MIB);
    expect(whole.asked[1]).toMatchObject({ outcome: { success: true } });
    expect(whole.asked[1]).not.toHaveProperty('outcome.answer');
    const longer = await call(textOf(MIB + 1));
    expect(problemIn(longer.answer, 'upstream-oversized')).toMatchObject({ money: 'untouched' });
    expect(longer.asked[1]).toMatchObject({ outcome: { success: false } });
  });

  it('that is an event stream is read to its end, and one without an end has failed', async () => {
    const events = (count: number) => () =>
      new Response(
        new ReadableStream<Uint8Array>({
          pull(controller) {
            sent += 1;
            if (sent > count) controller.close();
            else controller.enqueue(new TextEncoder().encode(`data: ${'x'.repeat(1_000)}\n\n`));
          },
        }),
        { headers: { 'Content-Type': 'text/event-stream' } },
      );
    let sent = 0;
    const ended = await call(events(3));
    expect(ended.answer.result?.content[0]?.text?.match(/data: /g)).toHaveLength(3);
    sent = 0;
    problemIn((await call(events(Infinity))).answer, 'upstream-oversized');
    expect(sent).toBeLessThan(1_200);
  });
});

describe('both eras', () => {
  it('are served: initialize, and server/discover', async () => {
    const { gateway } = await scriptedGateway(config);
    const opened = await send(gateway, 'initialize', {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'test', version: '1' },
    });
    expect(opened.result).toMatchObject({ serverInfo: SERVER_INFO, capabilities: { tools: {} } });
    const discovered = await sendModern(gateway, 'server/discover');
    expect(discovered.result).toMatchObject({
      supportedVersions: ['2026-07-28'],
      capabilities: { extensions: { 'org.x402/payment': {} } },
      cacheScope: 'private',
    });
    expect(SERVER_INFO.version).toBe(pkg.version);
  });

  it('are never answered by 401 or 402, and never cacheable', async () => {
    const { gateway } = await scriptedGateway(config);
    for (const method of ['tools/call', 'tools/list', 'nothing', 'initialize']) {
      const answer = await serveMcp({ ok: true, value: gateway }, requestOf(rpc(method)));
      expect([401, 402], method).not.toContain(answer.status);
      expect(answer.headers.get('Cache-Control')).toBe('private, no-store');
    }
  });
});

describe('an error inside the gateway', () => {
  it('is a result without its cause', async () => {
    network(KEY_ACCOUNT);
    const { gateway } = await scriptedGateway(config);
    const broken = {
      ...gateway,
      catalogue: { ...gateway.catalogue, current: async () => Promise.reject(new Error('secret')) },
    };
    const answer = await send(broken, 'tools/call', callOf(given));
    problemIn(answer, 'internal');
    const list = await send(broken, 'tools/list');
    expect(list.error).toEqual({ code: -32603, message: 'Internal error' });
    expect(JSON.stringify(answer)).not.toContain('secret');
  });
});

describe('a client that disconnects', () => {
  it('does not end its call: the account learns the outcome', async () => {
    const upstream = Promise.withResolvers<Response>();
    const asked = Promise.withResolvers<undefined>();
    vi.stubGlobal('fetch', async () => {
      asked.resolve(undefined);
      return await upstream.promise;
    });
    const kept: Promise<unknown>[] = [];
    const scripted = await scriptedGateway(config);
    const gateway = {
      ...scripted.gateway,
      waitUntil: (work: Promise<unknown>) => void kept.push(work),
    };
    const meta = { 'countersign/intent': wire(await intentOf('translate', given)) };
    const aborter = new AbortController();
    const request = new Request(requestOf({ ...rpc('tools/call'), params: callOf(given, meta) }), {
      signal: aborter.signal,
    });
    const served = serveMcp({ ok: true, value: gateway }, request);
    await asked.promise;
    aborter.abort();
    upstream.resolve(Response.json({}));
    // In production the runtime cancels the handler, and only promises passed to `waitUntil` continue.
    expect(kept).toHaveLength(1);
    await Promise.all(kept);
    expect(scripted.asked).toMatchObject([
      { asked: 'reserve' },
      { asked: 'finish', outcome: { success: true } },
    ]);
    await served.then(
      async (answer) => await answer.text().catch(() => ''),
      () => '',
    );
  });
});
