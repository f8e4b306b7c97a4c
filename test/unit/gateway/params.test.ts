import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ParamSource } from '../../../src/catalog/tool.ts';
import { readParams } from '../../../src/gateway/params.ts';
import { toolOf } from './fixture.ts';

const bytes = (text: string) => Uint8Array.from(new TextEncoder().encode(text));

type Sent = { readonly target?: string; readonly contentType?: string; readonly body?: string };

/** The parameter `p`. Undefined if it is missing. */
const read = (
  source: ParamSource,
  { target = '/', contentType = 'application/json', body }: Sent,
) => {
  const found = readParams(toolOf({ params: { p: source } }), {
    target,
    contentType,
    body: body === undefined ? undefined : bytes(body),
  }).p;
  return found?.found === true ? found.value : undefined;
};

const inBody = (pointer: string, body: string, contentType = 'application/json') =>
  read({ pointer }, { body, contentType });

describe('params in the query', () => {
  test.each([
    ['/x?q=1', '1'],
    ['/x?a=2&q=1', '1'],
    ['/x?q=a+b%20c%26', 'a b c&'],
    ['/x?%71=1', '1'],
    ['/x?q=', ''],
    ['/x?q', ''],
    ['/x?q=1?q=2', '1?q=2'],
    ['/x', undefined],
    ['/q=1', undefined],
    ['/x?a=1', undefined],
  ])('%s', (target, expected) => {
    expect(read({ query: 'q' }, { target })).toBe(expected);
  });

  test.each([
    '/x?q=1&q=1',
    '/x?q=1&Q=2',
    '/x?Q=2',
    '/x?q=1&q[]=2',
    '/x?q=1&q%5B0%5D=2',
    '/x?q=1;q=2',
  ])('%s could be another value to the upstream', (target) => {
    expect(read({ query: 'q' }, { target })).toBeUndefined();
  });

  test('the limit counts bytes', () => {
    const target = (letter: string, times: number) =>
      `/x?q=${encodeURIComponent(letter.repeat(times))}`;
    expect(read({ query: 'q' }, { target: target('é', 128) })).toBe('é'.repeat(128));
    expect(read({ query: 'q' }, { target: target('é', 129) })).toBeUndefined();
    expect(read({ query: 'q' }, { target: target('a', 257) })).toBeUndefined();
  });
});

describe('params in the body', () => {
  test.each([
    ['/a', '{"a":"x"}', 'x'],
    ['/a/b/1', '{"a":{"b":[0,"x"]}}', 'x'],
    ['', '"x"', 'x'],
    ['/', '{"":"x"}', 'x'],
    ['/a~1b~0c', '{"a/b~c":"x"}', 'x'],
    ['/~01', '{"~1":"x"}', 'x'],
    ['/0', '{"0":"x"}', 'x'],
    ['/a', '{"a":5}', '5'],
    ['/a', '{"a":-0.50}', '-0.5'],
    ['/a', '{"a":9007199254740991}', '9007199254740991'],
    ['/a', '{"a":true}', 'true'],
    ['/a', '{"a":null}', undefined],
    ['/a', '{"a":{}}', undefined],
    ['/a', '{"a":["x"]}', undefined],
    ['/a/-', '{"a":["x"]}', undefined],
    ['/a/00', '{"a":["x"]}', undefined],
    ['/a/1', '{"a":["x"]}', undefined],
    ['/a/length', '{"a":["x"]}', undefined],
    ['/a/0', '{"a":"x"}', undefined],
    ['/a/b', '{"a":null}', undefined],
    ['/constructor/name', '{}', undefined],
    ['/toString', '{}', undefined],
  ])('%s of %s', (pointer, body, expected) => {
    expect(inBody(pointer, body)).toBe(expected);
  });

  test.each([
    ['numbers are rounded', '{"a":9007199254740993}'],
    ['numbers are rounded', '{"a":1e21}'],
    ['small numbers have an exponent', '{"a":1e-7}'],
    ['numbers overflow', '{"a":1e999}'],
    ['a key is there twice', '{"a":"x","a":"y"}'],
    ['Go reads keys in any case', '{"a":"x","A":"y"}'],
    ['Go reads keys in any case', '{"A":"y"}'],
    ['a key is there that every object inherits from', '{"a":"x","__proto__":{}}'],
    ['it is no JSON', 'a=x'],
    ['it is no JSON', '\uFEFF{"a":"x"}'],
    ['it is too long', JSON.stringify({ a: 'é'.repeat(129) })],
    ['it is empty', ''],
  ])('not found where %s: %s', (_, body) => {
    expect(inBody('/a', body)).toBeUndefined();
  });

  test('folds Unicode: ſ equals s, and the Kelvin sign equals k', () => {
    expect(inBody('/risk', '{"risk":"x","ri\u017Fk":"y"}')).toBeUndefined();
    expect(inBody('/risk', '{"risk":"x","ris\u212A":"y"}')).toBeUndefined();
  });

  test('finds nothing in bytes that are not UTF-8, nor without a body', () => {
    const tool = toolOf({ params: { p: { pointer: '/a' } } });
    const sent = { target: '/', contentType: 'application/json' };
    const body = new Uint8Array([0x7b, 0x22, 0x61, 0x22, 0x3a, 0x22, 0xff, 0x22, 0x7d]);
    expect(readParams(tool, { ...sent, body })).toEqual({ p: { found: false } });
    expect(readParams(tool, { ...sent, body: undefined })).toEqual({ p: { found: false } });
  });

  test.each([
    ['application/json', true],
    ['Application/JSON; charset=UTF-8', true],
    ['application/json;charset="utf-8"', true],
    ['application/vnd.api+json', true],
    ['application/json; charset=utf-16', false],
    ['application/x-www-form-urlencoded', false],
    ['text/plain', false],
    ['', false],
  ])('a body of type %j is JSON to everybody: %s', (contentType, expected) => {
    expect(inBody('/a', '{"a":"x","b":"&a=y&"}', contentType)).toBe(expected ? 'x' : undefined);
  });

  test('reads any text exactly', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), fc.string({ maxLength: 20 }), (value, key) => {
        fc.pre(key !== '__proto__');
        const pointer = `/x/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
        expect(inBody(pointer, JSON.stringify({ x: { [key]: value } }))).toBe(value);
      }),
    );
  });
});

test('returns every declared parameter, and no other', () => {
  const tool = toolOf({
    params: { one: { query: 'q' }, two: { pointer: '/a' }, three: { pointer: '/b' } },
  });
  const body = bytes('{"a":1,"c":2}');
  expect(readParams(tool, { target: '/?q=x&c=1', contentType: 'application/json', body })).toEqual({
    one: { found: true, value: 'x' },
    two: { found: true, value: '1' },
    three: { found: false },
  });
  expect(readParams(toolOf(), { target: '/?q=x', contentType: 'application/json', body })).toEqual(
    {},
  );
});
