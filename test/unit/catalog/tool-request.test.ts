import { describe, expect, it } from 'vitest';
import { requestOf } from '../../../src/catalog/tool-request.ts';
import { upstreamUrlOf } from '../../../src/catalog/upstream.ts';
import { toolOf } from '../gateway/fixture.ts';

const built = (tool: Parameters<typeof toolOf>[0], values: Record<string, unknown>) => {
  const request = requestOf(toolOf(tool), values);
  if (!request.ok) return request.error.map(({ field }) => field);
  const { method, target, contentType, headers, body } = request.value;
  const text = body === undefined ? undefined : new TextDecoder().decode(body);
  return { method, target, contentType, headers, body: text };
};

const GET = { method: 'GET', path: '/tools/x' };
const POST = { method: 'POST', path: '/tools/x' };

describe('requestOf', () => {
  it('puts arguments into the query of a request without a body', () => {
    expect(built(GET, { q: 'a b&c=d', n: 1.5, on: true, tags: ['x', 'y'] })).toEqual({
      ...{ method: 'GET', contentType: '', headers: {}, body: undefined },
      target: '/tools/x?q=a%20b%26c%3Dd&n=1.5&on=true&tags=x&tags=y',
    });
    expect(built({ ...GET, method: 'DELETE' }, { id: 7 })).toMatchObject({
      method: 'DELETE',
      target: '/tools/x?id=7',
      body: undefined,
    });
  });

  it('puts arguments into a canonical JSON body otherwise', () => {
    expect(built(POST, { b: { z: 1, a: null }, a: 1e21 })).toEqual({
      ...{ method: 'POST', target: '/tools/x', headers: {} },
      contentType: 'application/json',
      body: '{"a":1e+21,"b":{"a":null,"z":1}}',
    });
    expect(built(POST, {})).toMatchObject({ body: '{}' });
    expect(built({ ...POST, method: '*', path: '/tools/x/*' }, {})).toMatchObject({
      method: 'POST',
      target: '/tools/x',
    });
  });

  it('puts each argument at its place', () => {
    const tool = {
      ...POST,
      upstream: '/pets/{id}',
      requestHeaders: ['x-trace'],
      arguments: {
        pet: { path: 'id' },
        dry: { query: 'dry_run' },
        trace: { header: 'x-trace' },
        label: { pointer: '/a~1b' },
      },
    };
    expect(built(tool, { pet: 'a b', dry: true, trace: 't 1', label: 'l', other: 1 })).toEqual({
      ...{ method: 'POST', contentType: 'application/json' },
      target: '/tools/x?id=a%20b&dry_run=true',
      headers: { 'x-trace': 't 1' },
      body: '{"a/b":"l","other":1}',
    });
    expect(built({ ...tool, arguments: {} }, { id: 7 })).toMatchObject({
      target: '/tools/x?id=7',
      body: '{}',
    });
  });

  it('sends one argument as the whole body', () => {
    const tool = { ...POST, arguments: { doc: { pointer: '' } } };
    expect(built(tool, { doc: [1, { b: 1, a: 2 }] })).toMatchObject({ body: '[1,{"a":2,"b":1}]' });
    expect(built(tool, {})).toMatchObject({ body: undefined, contentType: '' });
    expect(built(tool, { doc: 1, other: 2 })).toEqual(['arguments']);
  });

  const pets = { ...GET, upstream: '/pets/{id}' };
  it.each<[string, Parameters<typeof toolOf>[0], Record<string, unknown>, string]>([
    ['an object in the query', GET, { q: {} }, 'arguments.q'],
    ['null in the query', GET, { q: null }, 'arguments.q'],
    ['a nested array in the query', GET, { q: [[1]] }, 'arguments.q'],
    ['a lone surrogate', GET, { q: '\ud800' }, 'arguments.q'],
    ['a path argument that climbs', pets, { id: '..' }, 'arguments.id'],
    ['a path argument with a slash', pets, { id: 'a/b' }, 'arguments.id'],
    ['an encoded dot segment', pets, { id: '%2e%2e' }, 'arguments.id'],
    ['an empty path argument', pets, { id: '' }, 'arguments.id'],
    ['a list in the path', pets, { id: ['a'] }, 'arguments.id'],
    ['a missing path argument', pets, {}, 'arguments.id'],
    [
      'a header with a line break',
      { ...GET, requestHeaders: ['x-a'], arguments: { a: { header: 'x-a' } } },
      { a: 'x\r\nhost: y' },
      'arguments.a',
    ],
    [
      'two arguments for one place',
      { ...GET, arguments: { a: { query: 'b' } } },
      { a: 1, b: 2 },
      'arguments.b',
    ],
    ['a body over the limit of the tool', POST, { a: 'x'.repeat(1_024) }, 'arguments'],
    ['a URL that no intent could name', GET, { a: 'x'.repeat(4_096) }, 'arguments'],
  ])('refuses %s', (_, tool, values, field) => {
    expect(built(tool, values)).toEqual([field]);
  });

  it('reaches the upstream as the same HTTP call does', () => {
    const tool = toolOf({ ...GET, upstream: 'https://api.example/pets/{id}/toys' });
    const request = requestOf(tool, { id: 'a b', size: 2 });
    expect(request.ok && upstreamUrlOf(tool, request.value.target, undefined)).toBe(
      'https://api.example/pets/a%20b/toys?size=2',
    );
  });
});
