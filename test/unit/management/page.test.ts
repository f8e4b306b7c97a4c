import { encodeBase64Url, utf8 } from '../../../src/crypto/bytes.ts';
import { cursorOf, readCursor } from '../../../src/management/page.ts';
import { describe, expect, test } from 'vitest';

const shape = ['number', 'string'] as const;
const raw = (text: string): string => encodeBase64Url(utf8(text));

describe('a cursor', () => {
  test('decodes to the encoded place', () => {
    const cursor = cursorOf('calls', [7, 'schön "語"']);
    expect(cursor).toMatch(/^[A-Za-z0-9_-]+$/);
    expect(readCursor('calls', shape, cursor)).toEqual({ ok: true, value: [7, 'schön "語"'] });
  });

  test('that is absent means the beginning', () => {
    expect(readCursor('calls', shape, undefined)).toEqual({ ok: true, value: undefined });
  });

  test.each([
    ['nothing', ''],
    ['words', 'the beginning'],
    ['padding', `${cursorOf('calls', [7, 'x'])}=`],
    ['bytes that are no text', encodeBase64Url(Uint8Array.of(0xff, 0xfe))],
    ['no JSON', raw('calls')],
    ['no list', raw('{"0":"calls","1":7,"2":"x"}')],
    ['null', raw('null')],
    ['a place of another list', cursorOf('accounts', [7, 'x'])],
    ['a place that is too short', cursorOf('calls', [7])],
    ['a place that is too long', cursorOf('calls', [7, 'x', 'y'])],
    ['a place of other types', cursorOf('calls', ['7', 'x'])],
    ['an object in a place', raw('["calls",7,{}]')],
    ['half a second', raw('["calls",7.5,"x"]')],
    ['a number that is none', raw('["calls",1e400,"x"]')],
    ['an unsafe integer', raw('["calls",9007199254740993,"x"]')],
    ['another spelling', raw('["calls", 7, "x"]')],
    ['too much', cursorOf('calls', [7, 'x'.repeat(2_000)])],
  ])('rejects a cursor of %s', (_, cursor) => {
    expect(readCursor('calls', shape, cursor)).toEqual({
      ok: false,
      error: { kind: 'bad_cursor' },
    });
  });
});
