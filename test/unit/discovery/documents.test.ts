import { describe, expect, it } from 'vitest';
import { faultPage } from '../../../src/discovery/home-page.ts';
import { HOME_STYLE } from '../../../src/discovery/home-style.ts';
import { PAY_SCRIPT, pageHeaders, payingPageHeaders } from '../../../src/gateway/page.ts';
import { toolOf } from '../gateway/fixture.ts';
import { AT, documentsOf, managementApi } from './documents.ts';

const HOSTILE = `</code></pre><script>alert("x")</script>&' [link](javascript:x) \`code\``;
const tool = toolOf({ id: 'translate', method: 'POST', path: '/tools/translate', price: 20_000n });

const healthy = (id: string) => ({
  readAt: AT - 20,
  tools: new Map([
    [
      id,
      { state: 'working', lastSuccess: '2026-11-27T14:57:00Z', lastFailure: undefined } as const,
    ],
  ]),
});

describe('the page of the gateway', () => {
  it('shows each tool with price, health, last success and calls to copy', () => {
    const { page } = documentsOf([tool], { report: healthy('translate') });
    for (const text of [
      '<h1>gw.example</h1>',
      '<h3>translate</h3>',
      '0.02 USDC',
      'POST /tools/translate',
      'Working, last success <time datetime="2026-11-27T14:57:00Z">3 minutes ago</time>',
      'npx countersign call &#39;https://gw.example/tools/translate&#39;',
      '--max 0.02',
      'curl -i &#39;https://gw.example/tools/translate&#39;',
      'https://gw.example/mcp',
      'Base Sepolia',
      '0x1111111111111111111111111111111111111111',
      'Health as of <time datetime="2026-11-27T14:59:40Z">14:59:40 UTC</time>',
    ])
      expect(page).toContain(text);
  });

  it('fills the calls to copy with required arguments, and quotes them for a shell', () => {
    const { page } = documentsOf([
      {
        ...tool,
        arguments: { q: { query: 'q' } },
        inputSchema: {
          type: 'object',
          properties: {
            text: { type: 'string' },
            to: { enum: ['fr', 'de'] },
            q: { type: 'string', default: 'a b' },
            more: { type: 'string' },
            "it's": { type: 'integer', minimum: 3 },
          },
          required: ['text', 'to', 'q', "it's"],
        },
      },
    ]);
    expect(page).toContain(
      'curl -i &#39;https://gw.example/tools/translate?q=a%20b&#39; -H &#39;content-type: application/json&#39; -d &#39;' +
        '{&quot;it&#39;\\&#39;&#39;s&quot;:3,&quot;text&quot;:&quot;TEXT&quot;,&quot;to&quot;:&quot;fr&quot;}&#39;',
    );
  });

  it('says what it does not know', () => {
    const { page } = documentsOf([tool]);
    expect(page).toContain('No call in the last day');
    expect(page).toContain('The health of the tools is not known now.');
    expect(documentsOf([]).page).toContain('sells no tool now');
  });

  it('escapes markup of descriptions, and drops characters that nobody sees', () => {
    const { page, llms, json } = documentsOf([
      { ...tool, description: `${HOSTILE}\u202eevil\u{e0041}` },
    ]);
    expect(page.replace(PAY_SCRIPT, '')).not.toContain('<script');
    expect(page).toContain('&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;&amp;&#39;');
    expect(llms).toContain('\\[link\\](javascript:x) \\`code\\`');
    expect(llms).toContain('\\<script\\>');
    for (const text of [page, llms, JSON.stringify(json)])
      expect(text).not.toMatch(/[\u202e\u{e0041}]/u);
  });

  it('runs only the script of this origin that pays; the page of a fault runs none', async () => {
    const { page } = documentsOf([tool]);
    const fault = faultPage([{ name: 'PAY_TO', reason: 'must be <set>' }]);
    const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(HOME_STYLE));
    const hash = btoa(String.fromCharCode(...new Uint8Array(digest)));
    expect(pageHeaders(HOME_STYLE)['Content-Security-Policy']).toBe(
      `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    );
    expect(payingPageHeaders(HOME_STYLE)['Content-Security-Policy']).toBe(
      `default-src 'none'; script-src 'self'; style-src 'self' 'sha256-${hash}'; connect-src 'self'; require-trusted-types-for 'script'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    );
    expect(page.split(PAY_SCRIPT)).toHaveLength(2);
    for (const html of [page.replace(PAY_SCRIPT, ''), fault]) {
      expect(html).not.toMatch(
        /<(script|img|link|iframe|form|object|base)\b|\son\w+=|style="|@import|url\(/i,
      );
      expect(html).toContain(`<style>${HOME_STYLE}</style>`);
    }
    expect(fault).toContain('<code>PAY_TO</code> must be &lt;set&gt;');
  });

  it('has a place to pay beside each tool that a wallet can call', () => {
    const { page } = documentsOf([
      tool,
      { ...tool, id: 'free', path: '/free', price: 0n, settlement: 'free' },
      { ...tool, id: 'card', path: '/card', settlement: 'card', asset: 'iso4217:USD' },
    ]);
    expect([...page.matchAll(/<div class="pay"[^>]*>/g)].map(([place]) => place)).toEqual([
      '<div class="pay" data-pay="free" data-free>',
      '<div class="pay" data-pay="translate">',
    ]);
  });

  it('has landmarks, one h1, and headings in order', () => {
    const { page } = documentsOf([tool, { ...tool, id: 'other', path: '/tools/other' }]);
    for (const landmark of ['header', 'main', 'footer'])
      expect(page.match(new RegExp(`<${landmark}>`, 'g'))).toHaveLength(1);
    const levels = [...page.matchAll(/<h(\d)/g)].map(([, level]) => Number(level));
    expect(levels).toEqual([1, 2, 3, 3, 2, 2]);
    expect(page).toContain('<html lang="en">');
    expect(page).toContain('<a class="skip" href="#tools">');
  });

  it('says that the gateway is paused', () => {
    const { page, json, llms } = documentsOf([tool], { paused: true });
    expect(page).toContain('Paused: takes no new calls now');
    expect(json.status).toBe('paused');
    expect(llms).toContain('This gateway is paused');
  });

  it('names no upstream', () => {
    const upstream = 'https://internal.example/secret';
    const { page, json, openapi, llms, x402 } = documentsOf([{ ...tool, upstream }]);
    for (const text of [page, llms, ...[json, openapi, x402].map((each) => JSON.stringify(each))])
      expect(text).not.toContain('internal.example');
  });

  it('does not list tools that are not served', () => {
    const { page, json, openapi, llms, x402 } = documentsOf([
      tool,
      { ...tool, id: 'hidden', path: '/tools/hidden', disabled: true },
    ]);
    for (const text of [page, llms, ...[json, openapi, x402].map((each) => JSON.stringify(each))])
      expect(text).not.toContain('hidden');
  });
});

describe('the OpenAPI document', () => {
  const sold = [
    tool,
    toolOf({ id: 'read', method: 'GET', path: '/tools/all' }),
    toolOf({ id: 'any', method: '*', path: '/tools/all' }),
    toolOf({ id: 'echo', method: '*', path: '/tools/echo/*' }),
    toolOf({ id: 'free', method: 'GET', path: '/tools/free', settlement: 'free', price: 0n }),
    toolOf({
      id: 'metered',
      method: 'POST',
      path: '/tools/metered',
      settlement: 'credit',
      pricing: 'upto',
      price: 50_000n,
    }),
  ];
  const { paths, ...rest } = documentsOf(sold).openapi as {
    readonly paths: Readonly<Record<string, Record<string, Readonly<Record<string, unknown>>>>>;
  };

  it('keeps the management API, and adds the tools', () => {
    expect(Object.keys(paths)).toEqual(
      expect.arrayContaining(Object.keys(managementApi['paths'] as object)),
    );
    expect(rest).toMatchObject({
      openapi: '3.1.0',
      info: { title: 'Countersign gateway gw.example', version: '1.2.3' },
      servers: [{ url: 'https://gw.example' }],
      components: { securitySchemes: { AgentIntent: {}, Payment: {} } },
    });
  });

  it('states fixed and variable prices as indexes read them', () => {
    expect(paths['/tools/translate']?.['post']).toMatchObject({
      operationId: 'call:translate',
      'x-payment-info': {
        price: { mode: 'fixed', currency: 'USD', amount: '0.020000' },
        protocols: [{ x402: {} }],
      },
      responses: { 402: { headers: { 'PAYMENT-REQUIRED': {} } } },
    });
    expect(paths['/tools/metered']?.['post']?.['x-payment-info']).toMatchObject({
      price: { mode: 'dynamic', currency: 'USD', min: '0.000000', max: '0.050000' },
    });
    expect(paths['/tools/free']?.['get']).toMatchObject({ security: [{ AgentIntent: [] }] });
  });

  it('describes the request of a tool with an input schema, references resolved', () => {
    const { openapi } = documentsOf([
      {
        ...tool,
        requestHeaders: ['x-tone'],
        arguments: { tone: { header: 'x-tone' }, dry: { query: 'dry-run' } },
        inputSchema: {
          type: 'object',
          properties: {
            text: { $ref: '#/$defs/text' },
            tone: { type: 'string' },
            dry: { type: 'boolean' },
          },
          required: ['text', 'dry'],
          $defs: { text: { type: 'string', maxLength: 9 } },
        },
      },
    ]);
    const described = openapi as typeof rest & { readonly paths: typeof paths };
    expect(described.paths['/tools/translate']?.['post']).toMatchObject({
      parameters: [
        { name: 'x-tone', in: 'header', required: false, schema: { type: 'string' } },
        { name: 'dry-run', in: 'query', required: true, schema: { type: 'boolean' } },
      ],
      requestBody: {
        content: {
          'application/json': {
            schema: {
              type: 'object',
              properties: { text: { type: 'string', maxLength: 9 } },
              required: ['text'],
            },
          },
        },
      },
    });
  });

  it('routes as the gateway does: a method of its own before any method', () => {
    expect(paths['/tools/all']?.['get']?.['x-countersign-tool']).toBe('read');
    expect(paths['/tools/all']?.['post']?.['x-countersign-tool']).toBe('any');
    expect(Object.keys(paths['/tools/echo/{path}'] ?? {})).toHaveLength(6);
    expect(paths['/tools/echo/{path}']?.['put']?.['parameters']).toMatchObject([
      { name: 'path', in: 'path', required: true },
    ]);
    const ids = Object.values(paths).flatMap((path) =>
      Object.values(path).map((operation) => operation['operationId']),
    );
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('/.well-known/x402', () => {
  it('lists each URL once, with the terms of each method', () => {
    const put = { ...tool, id: 'put', method: 'PUT' };
    const { x402 } = documentsOf([tool, put, toolOf()]);
    expect(x402).toMatchObject({ version: 1, x402Version: 2 });
    expect(x402.resources).toEqual([
      'https://gw.example/tools/echo/',
      'https://gw.example/tools/translate',
    ]);
    expect(x402.items.map(({ method, metadata }) => [method, metadata.tool])).toEqual([
      ['*', 'echo'],
      ['PUT', 'put'],
      ['POST', 'translate'],
    ]);
  });
});
