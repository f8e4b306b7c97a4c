import { describe, expect, it } from 'vitest';
import type { Json } from '../../../src/protocol/entry.ts';
import { type Catalogue, catalogueOf, readToolDocument } from '../../../src/catalog/catalogue.ts';
import { checkPut, findListed, listTools } from '../../../src/catalog/listed-tools.ts';
import { findTool } from '../../../src/catalog/route.ts';
import { toolHash } from '../../../src/catalog/stored-tool.ts';
import { documentOf, startOf } from './documents.ts';

type Put = { readonly id: string; readonly [key: string]: Json };

const UPSTREAM = {
  upstreamUrl: 'https://api.example',
  reach: 'public',
  services: ['BOUND'],
} as const;

/** Applies these puts and removals to a deployed file. */
const laid = (file: readonly Put[], puts: readonly Put[] = [], removed: readonly string[] = []) =>
  catalogueOf(
    startOf(file),
    new Map([
      ...puts.map(
        (put) => [put.id, readToolDocument(put.id, JSON.stringify(put), UPSTREAM)] as const,
      ),
      ...removed.map((id) => [id, undefined] as const),
    ]),
  );

const sold = (catalogue: Catalogue, path: string, method = 'GET') => {
  const route = findTool(catalogue.routes, method, path);
  return route.route === 'tool' ? `${route.tool.id} ${route.tool.price}` : route.route;
};
const listed = (catalogue: Catalogue) =>
  listTools(catalogue).map(
    ({ id, source, disabled, fault }) =>
      `${id} ${source}${disabled ? ' disabled' : ''}${fault === undefined ? '' : ` (${fault})`}`,
  );
const fieldsOf = (...asked: Parameters<typeof checkPut>) => {
  const checked = checkPut(...asked);
  return checked.ok ? [] : checked.error.map(({ field, reason }) => `${field} ${reason}`);
};

describe('a catalogue', () => {
  it('is the file without changes', () => {
    const catalogue = laid([documentOf('b'), documentOf('a', { disabled: true })]);
    expect(listed(catalogue)).toEqual(['a file disabled', 'b file']);
    expect(sold(catalogue, '/tools/b')).toBe('b 1000');
    expect(findListed(catalogue, 'b')).toMatchObject({
      id: 'b',
      document: documentOf('b'),
      hash: toolHash(documentOf('b')),
      source: 'file',
      disabled: false,
      tool: { id: 'b', price: 1_000n },
    });
    expect(findListed(catalogue, 'c')).toBeUndefined();
  });

  it('serves a put tool at its new path, and no longer the old one', () => {
    const moved = documentOf('a', { price: '$2', path: '/elsewhere' });
    const catalogue = laid([documentOf('a'), documentOf('b')], [moved, documentOf('c')]);
    expect(listed(catalogue)).toEqual(['a stored', 'b file', 'c stored']);
    expect(sold(catalogue, '/tools/a')).toBe('not_found');
    expect(sold(catalogue, '/elsewhere')).toBe('a 2000000');
    expect(sold(catalogue, '/tools/c')).toBe('c 1000');
    expect(findListed(catalogue, 'a')).toMatchObject({ document: moved, hash: toolHash(moved) });
  });

  it('serves no removed tool, of the file or put', () => {
    const catalogue = laid([documentOf('a'), documentOf('b')], [], ['a', 'c']);
    expect(listed(catalogue)).toEqual(['b file']);
    expect(sold(catalogue, '/tools/a')).toBe('not_found');
    expect(findListed(catalogue, 'a')).toBeUndefined();
  });

  it.each([
    ['disabled', { disabled: true }],
    ['of a later release', { settlement: 'escrow' }],
    ['below the gateway’s own paths of this release', { id: 'countersign.a' }],
  ])('leaves the path of a tool that is %s to no cheaper one', (_, changes) => {
    const dear = documentOf('dear', { price: '$5', ...changes });
    const wide = documentOf('wide', { path: '/tools/*', method: '*' });
    const catalogue = catalogueOf(
      startOf([wide]),
      new Map([['dear', readToolDocument('dear', JSON.stringify(dear), UPSTREAM)]]),
    );
    for (const path of ['/tools/dear', '/tools/Dear', '/tools/dear/']) {
      expect(sold(catalogue, path), path).toBe('not_found');
    }
    expect(sold(catalogue, '/tools/other')).toBe('wide 1000');
  });

  it('names no method of a disabled tool', () => {
    const at = (id: string, method: string, disabled = false) =>
      documentOf(id, { path: '/x', method, disabled });
    const catalogue = laid([at('get', 'GET', true), at('put', 'PUT'), at('any', '*', true)]);
    expect(findTool(catalogue.routes, 'POST', '/x')).toEqual({ route: 'not_found' });
    expect(findTool(catalogue.routes, 'TRACE', '/x')).toEqual({
      route: 'method_not_allowed',
      allow: ['PUT'],
    });
    expect(sold(catalogue, '/x')).toBe('not_found');
    expect(sold(catalogue, '/x', 'PUT')).toBe('put 1000');
    expect(sold(laid([at('get', 'GET', true)]), '/x', 'PUT')).toBe('not_found');
  });

  it('keeps a put tool if a new file has another at its path, and reports the conflict', () => {
    const put = documentOf('put', { path: '/x', price: '$2' });
    const catalogue = laid([documentOf('new', { path: '/x' })], [put]);
    expect(sold(catalogue, '/x')).toBe('put 2000000');
    expect(listed(catalogue)).toEqual(['new file (path is served by tool put)', 'put stored']);
  });

  it('serves the same of two concurrently put tools on every isolate', () => {
    const [a, b] = [documentOf('a', { path: '/x' }), documentOf('b', { path: '/x' })];
    for (const puts of [
      [a, b],
      [b, a],
    ]) {
      expect(sold(laid([documentOf('z')], puts), '/x')).toBe('a 1000');
    }
  });

  it('lists tools that it cannot parse or that have no upstream, and serves neither', () => {
    const escrow = documentOf('escrow', { settlement: 'escrow' });
    const relative = documentOf('relative');
    const NONE = { ...UPSTREAM, upstreamUrl: undefined };
    const catalogue = catalogueOf(
      {
        ...startOf([documentOf('a', { path: '/tools/*', upstream: 'https://api.example/a' })]),
        ...NONE,
      },
      new Map([
        ['escrow', readToolDocument('escrow', JSON.stringify(escrow), NONE)],
        ['relative', readToolDocument('relative', JSON.stringify(relative), NONE)],
      ]),
    );
    expect(listed(catalogue)).toEqual([
      'a file',
      'escrow stored (cannot be read by this release: settlement must be one of deferred, upfront, credit, free, card)',
      'relative stored (upstream is a path, and UPSTREAM_URL is not set)',
    ]);
    expect(findListed(catalogue, 'escrow')).toMatchObject({ document: escrow, tool: undefined });
    expect(sold(catalogue, '/tools/relative')).toBe('not_found');
    expect(sold(catalogue, '/tools/escrow')).toBe('not_found');
    expect(sold(catalogue, '/tools/other')).toBe('a 1000');
  });
});

describe('readToolDocument', () => {
  it('rejects a document with another id', () => {
    const other = documentOf('b');
    const read = readToolDocument('a', JSON.stringify(other), UPSTREAM);
    expect(read).toMatchObject({ id: 'a', tool: undefined, fault: expect.stringContaining('id') });
  });
});

describe('checkPut', () => {
  const catalogue = laid([documentOf('a'), documentOf('b')], [documentOf('c')], ['b']);

  it('accepts a new tool, a replacement, and a tool at a vacated path', () => {
    expect(checkPut(catalogue, 'd', documentOf('d'))).toMatchObject({
      ok: true,
      value: { id: 'd', price: 1_000n, disabled: false },
    });
    for (const put of [
      documentOf('a', { price: '$2' }),
      documentOf('b'),
      documentOf('c', { disabled: true }),
      documentOf('d', { path: '/tools/b' }),
      documentOf('d', { path: '/tools/a', method: 'POST' }),
    ]) {
      expect(fieldsOf(catalogue, put.id, put)).toEqual([]);
    }
  });

  it('refuses a tool that no entry of the log could hold, and a catalogue that no isolate could', () => {
    const described = (id: string, length: number) =>
      documentOf(id, { inputSchema: { type: 'object', description: 'x'.repeat(length) } });
    expect(fieldsOf(catalogue, 'd', described('d', 41_000))).toEqual([
      ' must be at most 40960 characters as canonical JSON',
    ]);
    const full = laid(Array.from({ length: 105 }, (_, at) => described(`t${at}`, 39_700)));
    expect(fieldsOf(full, 'd', documentOf('d'))).toEqual([]);
    expect(fieldsOf(full, 'd', described('d', 39_700))).toEqual([
      ' would make the catalogue longer than 4194304 characters',
    ]);
    expect(fieldsOf(full, 't1', described('t1', 39_700))).toEqual([]);
  });

  it.each<[string, string, unknown]>([
    ['settlement must be', 'd', documentOf('d', { settlement: 'later' })],
    ['price may be "$0" only', 'd', documentOf('d', { price: '$0' })],
    ['more is not a known field', 'd', documentOf('d', { more: 1 })],
    [' must be an object', 'd', []],
    ['path is a path of the gateway itself', 'd', documentOf('d', { path: '/admin/x' })],
    ['id may not start with countersign.', 'countersign.d', documentOf('countersign.d')],
    ['id must be the id in the URL', 'd', documentOf('e')],
    ['path is served by tool a with', 'd', documentOf('d', { path: '/tools/a' })],
    ['path is served by tool c with', 'd', documentOf('d', { path: '/tools/c' })],
    ['path is served by tool c with', 'a', documentOf('a', { path: '/tools/c' })],
  ])('refuses with "%s…"', (words, id, document) => {
    expect(fieldsOf(catalogue, id, document)).toEqual([expect.stringContaining(words) as string]);
  });

  it('rejects a relative upstream without UPSTREAM_URL', () => {
    const nowhere = catalogueOf(
      { ...startOf([documentOf('a')]), upstreamUrl: undefined },
      new Map(),
    );
    expect(fieldsOf(nowhere, 'd', documentOf('d'))).toEqual([
      'upstream is a path, and UPSTREAM_URL is not set',
    ]);
    expect(fieldsOf(nowhere, 'd', documentOf('d', { upstream: 'https://d.example' }))).toEqual([]);
  });

  it('reserves the path of a disabled tool, not of a hidden one', () => {
    const hidden = laid(
      [documentOf('new', { path: '/x' }), documentOf('off', { path: '/y', disabled: true })],
      [documentOf('put', { path: '/x' })],
    );
    expect(fieldsOf(hidden, 'put', documentOf('put', { path: '/x', price: '$3' }))).toEqual([]);
    expect(fieldsOf(hidden, 'new', documentOf('new', { path: '/x' }))).toHaveLength(1);
    expect(fieldsOf(hidden, 'd', documentOf('d', { path: '/y' }))).toHaveLength(1);
  });

  it('accepts a thousand tools, and changes to each of them', () => {
    const full = laid(Array.from({ length: 1_000 }, (_, at) => documentOf(`t${at}`)));
    expect(fieldsOf(full, 't7', documentOf('t7', { price: '$2' }))).toEqual([]);
    expect(fieldsOf(full, 'more', documentOf('more'))).toEqual([' would be more than 1000 tools']);
  });
});
