import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Tool } from '../../../src/catalog/tool.ts';
import { canonicalJson } from '../../../src/core/canonical-json.ts';
import { ok } from '../../../src/core/result.ts';
import { sha256Hex, utf8 } from '../../../src/crypto/bytes.ts';
import { call } from '../../../src/gateway/call.ts';
import type { AlertBody } from '../../../src/protocol/alert.ts';
import type { AgentIntent } from '../../../src/protocol/intent/agent-intent.ts';
import { toolPin } from '../../../src/remote/definition.ts';
import { useVectorsClock } from '../../support/vectors-clock.ts';
import { toolOf } from '../gateway/fixture.ts';
import { claimsOf, scriptedGateway } from '../gateway/scripted.ts';
import { intentHeader, paying, vectorConfig } from '../gateway/signing.ts';
import {
  answer,
  event,
  refuse,
  type Script,
  serveRemote,
  streamed,
} from '../remote/remote-server.ts';
import { callOf, intentOf, ORIGIN, problemIn, send, sendModern, wire } from './fixture.ts';

useVectorsClock();
beforeEach(() => {
  vi.spyOn(console, 'error').mockImplementation(() => undefined);
  vi.spyOn(console, 'warn').mockImplementation(() => undefined);
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

const definition = {
  name: 'Web-Search',
  description: 'Searches.',
  inputSchema: { type: 'object' },
};
const given = { q: 'rivers', n: 1 };
const text = (value: string) => [{ type: 'text', text: value }];

let servers = 0;

/** A gateway that sells one tool of a remote server that no other test has used. */
const sell = async (script: Script, changes: Partial<Tool> = {}) => {
  servers += 1;
  const tool = toolOf({
    id: 'web.search',
    method: 'POST',
    path: '/tools/web.search',
    price: 20_000n,
    upstream: {
      mcp: `https://remote${servers}.example/mcp`,
      tool: 'Web-Search',
      pin: toolPin(definition) ?? '',
    },
    ...changes,
  });
  const seen = serveRemote((request, init) =>
    request.message.method === 'tools/list'
      ? answer(request, { tools: [definition] })
      : script(request, init),
  );
  const scripted = await scriptedGateway(vectorConfig([tool]));
  return {
    ...scripted,
    calls: () => seen.filter(({ message }) => message.method === 'tools/call'),
    seen,
  };
};

const paid = async (
  members: Readonly<Record<string, unknown>> = {},
  fields: Partial<AgentIntent> = paying(20_000n),
) => {
  const payload = canonicalJson({ ...members, arguments: given, name: 'web.search' });
  const intent = await intentOf('web.search', given, {
    ...fields,
    payloadDigest: sha256Hex(utf8(payload)),
  });
  return { ...callOf(given, { 'countersign/intent': wire(intent) }, 'web.search'), ...members };
};

describe('a call to a tool of a remote MCP server', () => {
  it('gets the terms without a proof, and the server hears nothing of it', async () => {
    const { gateway, calls, asked } = await sell((request) => answer(request, { content: [] }));
    const { result, error } = await send(gateway, 'tools/call', callOf(given, {}, 'web.search'));
    expect(error).toBeUndefined();
    expect(result?.structuredContent).toMatchObject({ accepts: [{ amount: '20000' }] });
    expect([calls(), asked]).toEqual([[], []]);
  });

  it('returns the result of the server with receipt and payment response of the gateway', async () => {
    const { gateway, calls, asked } = await sell((request) =>
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
      aud: `https://remote${servers}.example`,
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

describe('a tool that requires input', () => {
  const required = {
    resultType: 'input_required',
    inputRequests: {
      name: {
        method: 'elicitation/create',
        params: {
          mode: 'form',
          message: 'Name?',
          requestedSchema: { type: 'object', properties: {} },
        },
      },
    },
    requestState: 'opaque+/=',
  };

  it('passes its request on, the state untouched, and costs nothing', async () => {
    const { gateway, asked, calls } = await sell((request) => answer(request, required));
    const capabilities = { elicitation: { form: {} }, extensions: { 'org.x402/payment': {} } };
    const { result } = await sendModern(gateway, 'tools/call', await paid(), capabilities);
    expect(result).toMatchObject(required);
    expect(result?._meta?.['countersign/hint']).toContain('charged nothing');
    expect(asked[1]).toMatchObject({ outcome: { success: false, status: 422 } });
    // The server must not believe that the gateway pays it.
    expect(calls()[0]?.message.params?.['_meta']).toMatchObject({
      'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {} } },
    });
  });

  it('gets the answers and the state, which the payer signs with the arguments', async () => {
    const { gateway, calls } = await sell((request) => answer(request, { content: text('hello') }));
    const members = {
      inputResponses: { name: { action: 'accept', content: {} } },
      requestState: 'opaque+/=',
    };
    const { result } = await sendModern(gateway, 'tools/call', await paid(members));
    expect(result).toMatchObject({ content: text('hello') });
    expect(calls()[0]?.message.params).toMatchObject(members);

    const stolen = { ...(await paid()), ...members };
    const answered = await sendModern(gateway, 'tools/call', stolen);
    expect(problemIn(answered, 'intent-mismatch')['field']).toBe(
      'Agent-Intent.intent.payloadDigest',
    );
    expect(calls()).toHaveLength(1);
  });

  it('fails for a client of an older revision, and runs once', async () => {
    const { gateway, calls } = await sell((request) => answer(request, required));
    const { result } = await send(gateway, 'tools/call', await paid());
    expect(result?.isError).toBe(true);
    expect(result?.content[0]?.text).toContain('requires input');
    expect(calls()).toHaveLength(1);
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
    // The first call of an isolate does not wait for the listing.
    await send(watched, 'tools/call', callOf(given, {}, 'web.search'));
    await vi.waitFor(async () => {
      await Promise.all(pending);
      const again = await send(watched, 'tools/call', callOf(given, {}, 'web.search'));
      expect(problemIn(again, 'tool-changed')['retry_after']).toBe(300);
    });
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

describe('the same tool over HTTP', () => {
  const post = async (gateway: Parameters<typeof call>[0], body: string) => {
    const fields = {
      method: 'POST',
      target: '/tools/web.search',
      contentType: 'application/json',
      payloadDigest: sha256Hex(utf8(body)),
    };
    const intent = await intentOf('web.search', {}, { ...paying(20_000n), ...fields });
    return await call(
      gateway,
      new Request(`${ORIGIN}/tools/web.search`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', ...intentHeader(intent) },
        body,
      }),
    );
  };

  it('takes the arguments as a JSON body and answers with the result', async () => {
    const { gateway, calls } = await sell((request) => answer(request, { content: text('x') }));
    const response = await post(gateway, '{"q":"rivers"}');
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ content: text('x') });
    expect(calls()[0]?.message.params?.['arguments']).toEqual({ q: 'rivers' });
  });

  it('is refused without its secret, before its account is asked and its server hears anything', async () => {
    const { gateway, seen, asked } = await sell((request) => answer(request, { content: [] }), {
      secrets: [{ in: 'basic', secret: 'gone' }],
    });
    const kept: Promise<unknown>[] = [];
    const waitUntil = (promise: Promise<unknown>) => void kept.push(promise);
    const response = await post({ ...gateway, waitUntil }, '{"q":"rivers"}');
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({
      type: 'urn:countersign:problem:secret-unavailable',
    });
    await Promise.all(kept);
    expect([seen, asked]).toEqual([[], []]);
  });

  it.each(['[1]', 'no json', '{"a":1,"a":2}', '{"a":9007199254740993}'])(
    'answers 400 for the body %s, and charges nothing',
    async (body) => {
      const { gateway, calls, asked } = await sell((request) => answer(request, { content: [] }));
      const response = await post(gateway, body);
      expect(response.status).toBe(400);
      expect(calls()).toEqual([]);
      expect(asked[1]).toMatchObject({ outcome: { success: false } });
    },
  );
});
