import { afterEach, describe, expect, it, vi } from 'vitest';
import { hexOf } from '../../../src/crypto/bytes.ts';
import { readDefinition, toolPin } from '../../../src/remote/definition.ts';
import { listTools, MAX_PAGE } from '../../../src/remote/list-tools.ts';
import { openSession } from '../../../src/remote/session.ts';
import { answer, type Script, serveRemote } from './remote-server.ts';

const list = async (script: Script) => {
  const seen = serveRemote(script);
  const url = `https://${crypto.randomUUID()}.example/mcp`;
  const signal = AbortSignal.timeout(5_000);
  const listing = await listTools(openSession({ url, signal, maxBytes: MAX_PAGE }));
  return { listing, seen };
};

const tool = (name: string, more: object = {}) => ({
  name,
  description: `Does ${name}.`,
  inputSchema: { type: 'object' },
  ...more,
});

const named = (count: number) => Array.from({ length: count }, (_, at) => tool(`t${at}`));

afterEach(() => {
  vi.unstubAllGlobals();
});

describe('listTools', () => {
  it('follows the cursors, and keeps what is sold of each tool', async () => {
    const { listing, seen } = await list((request) => {
      const { cursor } = request.message.params ?? {};
      const extra = { outputSchema: { type: 'object' }, annotations: { readOnlyHint: true } };
      return cursor === undefined
        ? answer(request, { tools: [tool('a', extra)], nextCursor: 'page 2' })
        : answer(request, { tools: [tool('b')] });
    });
    expect(seen[1]?.message.params).toMatchObject({ cursor: 'page 2' });
    expect(listing.ok && [...listing.value.tools.values()]).toEqual([
      { ...tool('a'), annotations: { readOnlyHint: true } },
      tool('b'),
    ]);
  });

  it('takes 1,000 tools and refuses 10,000, in one page or in many', async () => {
    const most = await list((request) => answer(request, { tools: named(1_000) }));
    expect(most.listing.ok && most.listing.value.tools.size).toBe(1_000);
    const many = await list((request) => answer(request, { tools: named(10_000) }));
    expect(many.listing).toEqual({ ok: false, error: { kind: 'too_many' } });
    let page = 0;
    const pages = await list((request) => {
      page += 1;
      return answer(request, { tools: named(100), nextCursor: `${page}` });
    });
    expect(pages.listing).toEqual({ ok: false, error: { kind: 'too_many' } });
    expect(page).toBe(11);
  });

  it('ends with a server that repeats its pages, or never has a last one', async () => {
    const same = await list((request) => answer(request, { tools: [], nextCursor: 'again' }));
    expect(same.listing).toEqual({ ok: false, error: { kind: 'endless' } });
    expect(same.seen).toHaveLength(2);
    let page = 0;
    const empty = await list((request) => {
      page += 1;
      return answer(request, { tools: [], nextCursor: `${page}` });
    });
    expect(empty.listing).toEqual({ ok: false, error: { kind: 'endless' } });
    expect(page).toBe(100);
  });

  it('refuses a page above 4 MiB, and pages that are too long together', async () => {
    const long = 'x'.repeat(100_000);
    const page = (count: number) => named(count).map((each) => ({ ...each, description: long }));
    const one = await list((request) => answer(request, { tools: page(45) }));
    expect(one.listing).toEqual({ ok: false, error: { kind: 'oversized' } });
    let pages = 0;
    const many = await list((request) => {
      pages += 1;
      return answer(request, { tools: page(30), nextCursor: `${pages}` });
    });
    expect(many.listing).toEqual({ ok: false, error: { kind: 'oversized' } });
    expect(pages).toBe(3);
  });

  it('names the tools that it cannot sell, and neither of two with one name', async () => {
    const tools = [
      tool('good'),
      tool('twice'),
      tool('twice', { description: 'Another.' }),
      tool('a b'),
      { name: 'bare' },
      tool('long', { inputSchema: { type: 'object', description: 'x'.repeat(140_000) } }),
      'no tool',
    ];
    const { listing } = await list((request) => answer(request, { tools }));
    expect(listing.ok && [...listing.value.tools.keys()]).toEqual(['good']);
    expect(listing.ok && listing.value.unusable.map(({ name }) => name)).toEqual([
      ...['a b', 'bare', 'long', '', 'twice'],
    ]);
  });
});

describe('toolPin', () => {
  const definition = { name: 'a', description: 'b', inputSchema: { type: 'object', b: 1, a: [2] } };

  it('is SHA-256 over the JCS form', async () => {
    const jcs = '{"description":"b","inputSchema":{"a":[2],"b":1,"type":"object"},"name":"a"}';
    const digest = new Uint8Array(
      await crypto.subtle.digest('SHA-256', new TextEncoder().encode(jcs)),
    );
    expect(toolPin(definition)).toBe(hexOf(digest).slice(2));
    const shuffled = {
      inputSchema: { a: [2], type: 'object', b: 1.0 },
      description: 'b',
      name: 'a',
    };
    expect(toolPin(shuffled)).toBe(toolPin(definition));
  });

  it.each<[string, object]>([
    ['name', { name: 'b' }],
    ['description', { description: 'b ' }],
    ['a hidden character', { description: 'b\u200b' }],
    ['schema', { inputSchema: { type: 'object', b: 1, a: [3] } }],
    ['annotations', { annotations: { readOnlyHint: true } }],
  ])('changes with its %s', (_, changes) => {
    expect(toolPin({ ...definition, ...changes })).not.toBe(toolPin(definition));
  });

  it('is nothing for text that is not Unicode', () => {
    expect(toolPin({ ...definition, description: '\ud800' })).toBeUndefined();
  });

  it('ignores what the gateway does not sell', () => {
    const listed = { ...definition, title: 'A', outputSchema: {}, icons: [], _meta: {} };
    expect(readDefinition(listed)).toEqual(definition);
  });
});
