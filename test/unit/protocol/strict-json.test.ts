import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseStrictJson } from '../../../src/protocol/strict-json.ts';

describe('parseStrictJson', () => {
  it('parses valid JSON like JSON.parse', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), fc.constantFrom(0, 2, '\t'), (value, space) => {
        const text = JSON.stringify(value, undefined, space);
        if (text.includes('"__proto__"')) return;
        expect(parseStrictJson(text)).toEqual({ ok: true, value: JSON.parse(text) });
      }),
    );
  });

  it.each([
    ['a key twice', '{"to":1,"to":2}', { reason: 'duplicate_key', key: 'to' }],
    ['a key twice, once escaped', '{"to":1,"t\\u006f":2}', { reason: 'duplicate_key', key: 'to' }],
    ['a key twice, spaced', '{"to" :1, "to"\n:2}', { reason: 'duplicate_key', key: 'to' }],
    ['a key twice, deep', '[{"a":{"b":1,"b":1}}]', { reason: 'duplicate_key', key: 'b' }],
    ['__proto__', '{"__proto__":{}}', { reason: 'forbidden_key', key: '__proto__' }],
    ['a lone high surrogate', '{"a":"\\ud800"}', { reason: 'lone_surrogate' }],
    ['a lone low surrogate', '["\\udc00x"]', { reason: 'lone_surrogate' }],
    ['a lone surrogate as key', '{"\\ud83d":1}', { reason: 'lone_surrogate' }],
    ['an unterminated string', '{"a":"', { reason: 'syntax' }],
    ['a bad escape', '{"a":"\\x"}', { reason: 'syntax' }],
    ['a trailing comma', '{"a":1,}', { reason: 'syntax' }],
    ['a comment', '{/**/}', { reason: 'syntax' }],
    ['nothing', '', { reason: 'syntax' }],
    ['two values', '{}{}', { reason: 'syntax' }],
    ['a byte order mark', '\ufeff{}', { reason: 'syntax' }],
  ])('rejects %s', (_, text, error) => {
    expect(parseStrictJson(text)).toEqual({ ok: false, error });
  });

  it('accepts the same key in two objects, and a value that looks like a key', () => {
    const text = '{"a":{"b":1},"c":{"b":"a"},"d":["b","b"]}';
    expect(parseStrictJson(text)).toEqual({ ok: true, value: JSON.parse(text) });
  });

  it('accepts a surrogate pair', () => {
    expect(parseStrictJson('"\\ud83c\\udf89"')).toEqual({ ok: true, value: '🎉' });
  });

  it('accepts 16 levels and rejects 17', () => {
    const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
    expect(parseStrictJson(nested(16)).ok).toBe(true);
    expect(parseStrictJson(nested(17))).toEqual({
      ok: false,
      error: { reason: 'too_deep', limit: 16 },
    });
    expect(parseStrictJson('['.repeat(16_000)).ok).toBe(false);
  });
});
