import { describe, expect, it, vi } from 'vitest';
import { canonicalJson } from '../../../src/core/canonical-json.ts';
import { ok } from '../../../src/core/result.ts';
import { sha256Hex, utf8 } from '../../../src/crypto/bytes.ts';
import { call } from '../../../src/gateway/call.ts';
import type { AlertBody } from '../../../src/protocol/alert.ts';
import { claimsOf } from '../gateway/scripted.ts';
import { answer, event, refuse, type Script, streamed } from '../remote/remote-server.ts';
import { callOf, ORIGIN, problemIn, send, sendModern } from './fixture.ts';
import { given, paid, sell, text, useQuietGateway } from './remote-tool-support.ts';

useQuietGateway();

describe('a call to a tool of a remote MCP server', () => {
  it('gets the terms without a proof, and the server hears nothing of it', async () => {
    const { gateway, calls, asked } = await sell((request) => answer(request, { content: [] }));
    const { result, error } = await send(gateway, 'tools/call', callOf(given, {}, 'web.search'));
    expect(error).toBeUndefined();
    expect(result?.structuredContent).toMatchObject({ accepts: [{ amount: '20000' }] });
    expect([calls(), asked]).toEqual([[], []]);
  });

  it('returns the result of the server with receipt and payment response of the gateway', async () => {
    const { gateway, calls, asked, origin } = await sell((request) =>
      answer(request, {
        content: text('a result'),
        structuredContent: { hits: 1 },
        _meta: { 'countersign/receipt': 'forged', 'example.com/own': 1 },
      }),
    );
    const { result } = await send(gateway, 'tools/call', await paid());
    expect(result).toMatchObject({
      content: text('a result'),
      structuredContent: { hits: 1 },
      _meta: { 'example.com/own': 1 },
    });
    expect(result?.isError).toBeUndefined();
    const receipt = claimsOf(result?._meta?.['countersign/receipt'] as string);
    expect(receipt).toMatchObject({ tool: 'web.search', charged: '20000' });
    expect(asked[1]).toMatchObject({ outcome: { success: true, status: 200 } });

    expect(calls()).toHaveLength(1);
    const [{ headers, message } = {}] = calls();
    expect(message?.params).toMatchObject({ name: 'Web-Search', arguments: given });
    const assertion = claimsOf(headers?.get('x-agent-assertion') ?? null);
    expect(assertion).toMatchObject({
      aud: origin,
      tool: 'web.search',
      digest: sha256Hex(utf8(canonicalJson({ arguments: given, name: 'Web-Search' }))),
    });
  });

  it('never forwards a proof, a secret or a header of the gateway', async () => {
    const { gateway, calls } = await sell((request) => answer(request, { content: [] }));
    const params = await paid();
    await send(gateway, 'tools/call', params, {
      Cookie: 'a=b',
      Authorization: 'Bearer x',
      traceparent: '00-1',
    });
    const [only] = calls();
    const sent = JSON.stringify([...(only?.headers ?? []), only?.message]);
    expect(sent).not.toMatch(/countersign\/intent|signature|retry|cookie|Bearer/i);
    expect(only?.headers.get('traceparent')).toBe('00-1');
  });

  it('charges nothing for isError, and returns what the tool says', async () => {
    const { gateway, asked } = await sell((request) =>
      answer(request, { content: text('no such river'), isError: true }),
    );
    const { result } = await send(gateway, 'tools/call', await paid());
    expect(result).toMatchObject({ isError: true, content: text('no such river') });
    expect(asked[1]).toMatchObject({ outcome: { success: false, status: 502 } });
    expect(claimsOf(result?._meta?.['countersign/receipt'] as string)['charged']).toBe('0');
  });

  it('charges nothing for a JSON-RPC error, and explains it', async () => {
    const { gateway, asked } = await sell((request) =>
      refuse(request, 200, { code: -32_602, message: 'bad arguments' }),
    );
    const problem = problemIn(await send(gateway, 'tools/call', await paid()), 'upstream-error');
    expect(problem).toMatchObject({
      error: { code: -32_602, message: 'bad arguments' },
      money: 'untouched',
    });
    expect(asked[1]).toMatchObject({ outcome: { success: false } });
  });

  it('passes on that the client lacks a capability as the error that clients act on', async () => {
    const data = { requiredCapabilities: { sampling: {} } };
    const { gateway } = await sell((request) =>
      refuse(request, 400, { code: -32_021, message: 'needs sampling', data }),
    );
    const { error } = await sendModern(gateway, 'tools/call', await paid());
    expect(error).toMatchObject({ code: -32_021, data });
  });

  it.each<[string, Script]>([
    ['another id', () => Response.json({ jsonrpc: '2.0', id: 'x', result: { content: [] } })],
    ['HTML', () => new Response('<html>', { headers: { 'Content-Type': 'text/html' } })],
    ['a status 500', () => new Response('no', { status: 500 })],
    ['a result without content', (request) => answer(request, { ok: true })],
  ])('charges nothing for %s', async (_, script) => {
    const { gateway, asked } = await sell(script);
    problemIn(await send(gateway, 'tools/call', await paid()), 'upstream-malformed');
    expect(asked[1]).toMatchObject({ outcome: { success: false, reason: 'refused' } });
  });

  it.each<[string, string, Script]>([
    ['upstream-redirect', 'a redirect', () => Response.redirect('https://elsewhere.example/', 307)],
    [
      'upstream-payment',
      'terms of its own',
      (request) =>
        answer(request, {
          isError: true,
          content: [],
          structuredContent: { x402Version: 2, accepts: [] },
        }),
    ],
    [
      'upstream-oversized',
      'more than a megabyte',
      (request) => answer(request, { content: text('x'.repeat(1_048_577)) }),
    ],
    [
      'upstream-truncated',
      'an event stream without an answer',
      () => streamed([event({ jsonrpc: '2.0', method: 'x' })]).response,
    ],
  ])('answers %s for %s, and charges nothing', async (kind, _, script) => {
    const { gateway, asked } = await sell(script);
    problemIn(await send(gateway, 'tools/call', await paid()), kind);
    expect(asked[1]).toMatchObject({ outcome: { success: false } });
  });

  it('ends a slow drip at the timeout of the tool', async () => {
    const { gateway } = await sell(
      (_, { signal }) =>
        new Response(
          new ReadableStream({
            start(controller) {
              const timer = setInterval(() => controller.enqueue(new Uint8Array([0x20])), 50);
              signal?.addEventListener('abort', () => {
                clearInterval(timer);
                controller.error(new Error('aborted'));
              });
            },
          }),
          { headers: { 'Content-Type': 'application/json' } },
        ),
      { timeoutSeconds: 1 },
    );
    problemIn(await send(gateway, 'tools/call', await paid()), 'upstream-timeout');
  });

  it('returns a result above 64 KiB that no account stores', async () => {
    const long = text('x'.repeat(100_000));
    const { gateway, asked } = await sell((request) => answer(request, { content: long }));
    const { result } = await send(gateway, 'tools/call', await paid());
    expect(result?.content).toEqual(long);
    expect(asked[1]).toMatchObject({ outcome: { success: true } });
    expect(asked[1]).not.toHaveProperty('outcome.answer');
  });
});

describe('a tool that its server has changed', () => {
  it('is refused before anything is signed or reserved, with one alert', async () => {
    const { gateway, asked, calls } = await sell((request) => answer(request, { content: [] }), {
      upstream: { mcp: 'https://changed.example/mcp', tool: 'Web-Search', pin: 'ab'.repeat(32) },
    });
    const alerts: AlertBody[] = [];
    const pending: Promise<unknown>[] = [];
    const watched = {
      ...gateway,
      raise: async (alert: AlertBody) => {
        alerts.push(alert);
        return true;
      },
      waitUntil: (promise: Promise<unknown>) => void pending.push(promise),
    };
    // An isolate's first call does not wait for the listing.
    await send(watched, 'tools/call', callOf(given, {}, 'web.search'));
    await vi.waitFor(async () => {
      await Promise.all(pending);
      const again = await send(watched, 'tools/call', callOf(given, {}, 'web.search'));
      expect(problemIn(again, 'tool-changed')['retry_after']).toBe(300);
    }, 30_000);
    const overHttp = await call(
      watched,
      new Request(`${ORIGIN}/tools/web.search`, { method: 'POST' }),
    );
    expect(overHttp.status).toBe(503);
    expect([asked, calls()]).toEqual([[], []]);
    expect(alerts).toEqual([
      {
        rule: 'tool_changed',
        detail: { tool: 'web.search', host: 'changed.example', kind: 'changed' },
      },
    ]);
  });
});

describe('a remote tool with secrets', () => {
  it('sends every request through the fetcher of its secrets', async () => {
    const secrets = [{ in: 'basic', secret: 'there' }];
    const { gateway, seen } = await sell((request) => answer(request, { content: text('x') }), {
      secrets,
    });
    const carried: string[] = [];
    const carry = async (url: string, init: RequestInit) => {
      carried.push(String(init.method));
      return await fetch(url, init);
    };
    const kept: Promise<unknown>[] = [];
    const carrying = {
      ...gateway,
      openEgress: async () => ok({ fetch: carry }),
      waitUntil: (promise: Promise<unknown>) => void kept.push(promise),
    };
    const { result } = await send(carrying, 'tools/call', await paid());
    expect(result?.isError).toBeUndefined();
    await Promise.all(kept);
    expect(carried).toEqual(seen.map(({ method }) => method));
    const asked = seen.map(({ message }) => message.method);
    expect(new Set(asked)).toEqual(new Set(['tools/call', 'tools/list']));
  });
});
