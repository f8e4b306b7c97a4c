import { describe, expect, it } from 'vitest';
import toolsJson from '../../../tools.json';
import { parseTools } from '../../../src/catalog/schema.ts';

const tool = {
  id: 'lookup',
  method: 'GET',
  path: '/tools/lookup',
  description: 'Looks up a word.',
  price: '$0.001',
  settlement: 'deferred',
  upstream: '/lookup',
};

/** A schema with this many nested levels of JSON. */
const nested = (levels: number): object =>
  levels === 1 ? { type: 'object' } : { type: 'object', not: nested(levels - 1) };

const fieldsOf = (...tools: unknown[]) => {
  const result = parseTools({ tools }, 'public');
  return result.ok ? [] : result.error.map((fault) => fault.field);
};

describe('parseTools', () => {
  it('fills in the defaults', () => {
    expect(parseTools({ tools: [tool] }, 'public')).toEqual({
      ok: true,
      value: [
        {
          ...tool,
          price: 1_000n,
          mimeType: 'application/json',
          timeoutSeconds: 10,
          maxBodyBytes: 1_048_576,
          requestHeaders: [],
          assertion: true,
          onSilence: 'release',
          pricing: 'exact',
          requireBinding: 'none',
          params: {},
          secrets: [],
          bazaar: false,
          inputSchema: { type: 'object', properties: {} },
          arguments: {},
          disabled: false,
        },
      ],
    });
  });

  it('reads the tools of the project', () => {
    expect(parseTools(toolsJson, 'public')).toMatchObject({ ok: true });
  });

  it.each<[string, Record<string, unknown>]>([
    ['id', { id: 'Lookup' }],
    ['id', { id: '-lookup' }],
    ['id', { id: 'a'.repeat(65) }],
    ['id', { id: undefined }],
    ['method', { method: 'get' }],
    ['method', { method: 'OPTIONS' }],
    ['path', { path: 'tools' }],
    ['path', { path: '/tools/' }],
    ['path', { path: '/tools//x' }],
    ['path', { path: '/tools/../x' }],
    ['path', { path: '/tools/%41' }],
    ['path', { path: '/tools/x?y' }],
    ['path', { path: '/tools/*/x' }],
    ['path', { path: '/tools*' }],
    ['path', { path: '/healthz' }],
    ['path', { path: '/readyz' }],
    ['path', { path: '/.well-known/jwks.json' }],
    ['path', { path: '/calls/*' }],
    ['path', { path: '/credits' }],
    ['path', { path: '/openapi.json' }],
    ['path', { path: '/llms.txt' }],
    ['path', { path: '/' }],
    ['path', { path: '/admin/credits/refunds' }],
    ['id', { id: 'countersign' }],
    ['id', { id: 'countersign.credits' }],
    ['id', { id: 'call_tool' }],
    ['id', { id: 'search_tools' }],
    ['description', { description: '' }],
    ['description', { description: 'a\nb' }],
    ['description', { description: 'a'.repeat(257) }],
    ['mimeType', { mimeType: 'json' }],
    ['mimeType', { mimeType: 'a/b\r\nX: y' }],
    ['price', { price: '0.02' }],
    ['price', { price: 0.02 }],
    ['price', { price: '$0.0000001' }],
    ['price', { price: '$9007199254.740992' }],
    ['price', { price: '9007199254740992u' }],
    ['price', { price: '20000' }],
    ['price', { price: '$0' }],
    ['price', { settlement: 'free' }],
    ['price', { price: { max: '$0.10' } }],
    ['price', { price: { max: '$0.10' }, settlement: 'upfront' }],
    ['price', { price: { max: '$0' }, settlement: 'credit' }],
    ['price.min', { price: { max: '$0.10', min: '$0' }, settlement: 'credit' }],
    ['price', { price: { max: 1 }, settlement: 'credit' }],
    ['price', { price: {}, settlement: 'credit' }],
    ['settlement', { settlement: 'later' }],
    ['upstream', { upstream: 'https://user:secret@api.example/x' }],
    ['upstream', { upstream: 'https://api.example/x?key=1' }],
    ['upstream', { upstream: 'ftp://api.example/x' }],
    ['upstream', { upstream: '//api.example/x' }],
    ['upstream', { upstream: 'lookup' }],
    ['timeoutSeconds', { timeoutSeconds: 0 }],
    ['timeoutSeconds', { timeoutSeconds: 26 }],
    ['timeoutSeconds', { timeoutSeconds: 301, settlement: 'upfront', onSilence: 'keep' }],
    ['maxBodyBytes', { maxBodyBytes: -1 }],
    ['maxBodyBytes', { maxBodyBytes: 30_000_000 }],
    ['requestHeaders[1]', { requestHeaders: ['x-mine', 'Cookie'] }],
    ['requestHeaders[0]', { requestHeaders: ['Agent-Retry-Key'] }],
    ['requestHeaders', { requestHeaders: 'x-mine' }],
    ['requestHeaders', { requestHeaders: Array.from({ length: 17 }, (_, at) => `x-${at}`) }],
    ['upstream', { upstream: 'https://{host}/x' }],
    ['upstream', { upstream: '/pets/{id' }],
    ['upstream', { upstream: '/pets/a{id}' }],
    ['upstream', { upstream: '/pets/{id}/{id}' }],
    ['upstream', { upstream: '/pets/{id}', path: '/tools/pets/*' }],
    ['inputSchema', { inputSchema: [] }],
    ['inputSchema', { inputSchema: { type: 'string' } }],
    ['inputSchema', { inputSchema: { properties: {} } }],
    ['inputSchema', { inputSchema: nested(33) }],
    ['inputSchema', { inputSchema: { type: 'object', description: 'a'.repeat(65_536) } }],
    [
      'inputSchema',
      { inputSchema: { type: 'object', properties: { a: { 'x-mcp-header': 'A' } } } },
    ],
    ['arguments.a', { arguments: { a: { body: 'x' } } }],
    ['arguments.a.query', { arguments: { a: { query: '' } } }],
    ['arguments.a.pointer', { method: 'POST', arguments: { a: { pointer: '/x/y' } } }],
    ['arguments.a', { arguments: { a: { pointer: '/x' } } }],
    ['arguments.a', { arguments: { a: { header: 'x-mine' } } }],
    ['arguments.a', { arguments: { a: { path: 'id' } } }],
    ['arguments.a', { upstream: '/pets/{id}', arguments: { a: { query: 'id' } } }],
    ['arguments.b', { arguments: { a: { query: 'x' }, b: { query: 'x' } } }],
    ['arguments', { method: 'POST', arguments: { a: { pointer: '' }, b: { pointer: '/b' } } }],
    ['assertion', { assertion: 'no' }],
    ['onSilence', { onSilence: 'keep' }],
    ['onSilence', { onSilence: 'forget' }],
    ['requireBinding', { requireBinding: 'http' }],
    ['bazaar', { bazaar: 'yes' }],
    ['params', { params: [] }],
    [
      'params',
      {
        params: Object.fromEntries(
          Array.from({ length: 17 }, (_, at) => [`p${at}`, { query: 'q' }]),
        ),
      },
    ],
    ['params', { params: { 'a b': { query: 'q' } } }],
    ['params.a', { params: { a: {} } }],
    ['params.a', { params: { a: { query: 'q', pointer: '/q' } } }],
    ['params.a.query', { params: { a: { query: '' } } }],
    ['params.a', { params: { a: { query: 'é'.repeat(129) } } }],
    ['params.a.pointer', { params: { a: { pointer: 'q' } } }],
    ['params.a.pointer', { params: { a: { pointer: '/~2' } } }],
    ['params.a', { params: { a: { pointer: `/${'q'.repeat(256)}` } } }],
    ['disabled', { disabled: 'true' }],
    ['pirce', { pirce: '$1' }],
  ])('refuses a wrong %s: %o', (field, change) => {
    expect(fieldsOf(tool, { ...tool, id: 'other', path: '/tools/other', ...change })).toEqual([
      `tools[1].${field}`,
    ]);
  });

  it('accepts values just within bounds', () => {
    expect(
      fieldsOf(
        { ...tool, price: '$999999999.999999', timeoutSeconds: 25, maxBodyBytes: 0 },
        { ...tool, id: 'a'.repeat(64), path: '/*', method: '*', price: '$0', settlement: 'free' },
        {
          ...tool,
          id: 'kept',
          path: '/kept',
          settlement: 'upfront',
          onSilence: 'keep',
          timeoutSeconds: 300,
          requestHeaders: ['X-Mine'],
          assertion: false,
        },
        { ...tool, id: 'credit', path: '/credit', settlement: 'credit', onSilence: 'keep' },
      ),
    ).toEqual([]);
  });

  it('allows onSilence keep only if money is there first: a deferred authorization would expire', () => {
    const kept = (settlement: string, price = '$1') =>
      fieldsOf({ ...tool, settlement, price, onSilence: 'keep' });
    expect(kept('upfront')).toEqual([]);
    expect(kept('credit')).toEqual([]);
    expect(kept('deferred')).toEqual(['tools[0].onSilence']);
    expect(kept('free', '$0')).toEqual(['tools[0].onSilence']);
  });

  it('reads a maximum price', () => {
    const json = { tools: [{ ...tool, settlement: 'credit', price: { max: '$0.10' } }] };
    const read = parseTools(json, 'public');
    expect(read).toMatchObject({ ok: true, value: [{ price: 100_000n, pricing: 'upto' }] });
  });

  const CARD = { settlement: 'card', asset: 'iso4217:USD', price: '$20.00' };

  it('reads a price in fiat: the hold survives silence, and only a signed request spends it', () => {
    const card = { kind: 'issuing', anything: 1 };
    expect(parseTools({ tools: [{ ...tool, ...CARD, card }] }, 'public')).toMatchObject({
      ok: true,
      value: [
        {
          price: 20_000_000n,
          asset: 'iso4217:USD',
          settlement: 'card',
          onSilence: 'keep',
          requireBinding: 'intent',
          card,
        },
      ],
    });
    const upTo = { ...tool, ...CARD, price: { max: '$50.00' }, timeoutSeconds: 300 };
    expect(parseTools({ tools: [upTo] }, 'public')).toMatchObject({
      ok: true,
      value: [{ price: 50_000_000n, pricing: 'upto' }],
    });
  });

  it.each<[string, Record<string, unknown>]>([
    ['asset', { ...CARD, asset: undefined }],
    ['asset', { ...CARD, asset: 'iso4217:EUR' }],
    ['asset', { ...CARD, asset: 'USD' }],
    ['asset', { ...CARD, asset: 'eip155:8453/erc20:0x833589fcd6edb6e08f4c7c32d4f71b54bda02913' }],
    ['asset', { asset: 'iso4217:USD' }],
    ['card', { card: {} }],
    ['card', { ...CARD, card: 'issuing' }],
    ['price', { ...CARD, price: '$0' }],
    ['onSilence', { ...CARD, onSilence: 'release' }],
    ['requireBinding', { ...CARD, requireBinding: 'none' }],
    ['bazaar', { ...CARD, bazaar: true }],
    [
      'settlement',
      {
        ...CARD,
        method: 'POST',
        upstream: { mcp: 'https://m.example/mcp', tool: 'x', pin: 'a'.repeat(64) },
      },
    ],
  ])('refuses a wrong %s of a card tool: %o', (field, change) => {
    expect(fieldsOf({ ...tool, ...change })).toContain(`tools[0].${field}`);
  });

  it('reads the sources of params', () => {
    const params = {
      url: { pointer: '/a~1b/0' },
      'max.price_1-x': { query: 'max price' },
      all: { pointer: '' },
    };
    expect(parseTools({ tools: [{ ...tool, params }] }, 'public')).toMatchObject({
      ok: true,
      value: [{ params }],
    });
  });

  it('accepts ids that only resemble the gateway’s own', () => {
    expect(
      fieldsOf({ ...tool, id: 'countersignal' }, { ...tool, id: 'x.countersign.', path: '/x' }),
    ).toEqual([]);
  });

  it('rejects tools that hide each other', () => {
    expect(fieldsOf(tool, { ...tool, path: '/other' })).toEqual(['tools[1].id']);
    expect(fieldsOf(tool, { ...tool, id: 'other' })).toEqual(['tools[1].path']);
    expect(fieldsOf(tool, { ...tool, id: 'other', method: 'POST' })).toEqual([]);
  });

  it('rejects JSON that is not a list of tools', () => {
    for (const json of [
      undefined,
      null,
      [],
      {},
      { tools: [] },
      { tools: 'x' },
      { tools: [tool], more: 1 },
    ]) {
      expect(parseTools(json, 'public').ok).toBe(false);
    }
  });

  it('reports faults without values', () => {
    const json = { tools: [{ ...tool, upstream: 'https://user:hunter2@api.example' }] };
    const result = parseTools(json, 'public');
    expect(JSON.stringify(result)).not.toContain('hunter2');
  });
});
