import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { answerOf } from '../../../src/pay/answer.ts';
import { indentedJson } from '../../../src/pay/indented-json.ts';

const bytes = (text: string) => new TextEncoder().encode(text) as Uint8Array<ArrayBuffer>;

describe('indentedJson', () => {
  it('indents as JSON.stringify does, for any value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(indentedJson(JSON.stringify(value))).toBe(JSON.stringify(value, null, 2));
      }),
    );
  });

  it('keeps numbers, repeated members and escapes as they were sent', () => {
    const text = '{"n":12345678901234567890.10,"n":1e400,"s":"a\\u003c{,}\\"b"}';
    expect(indentedJson(text)).toBe(
      '{\n  "n": 12345678901234567890.10,\n  "n": 1e400,\n  "s": "a\\u003c{,}\\"b"\n}',
    );
  });

  it('is undefined for text that is no JSON', () => {
    expect(indentedJson('{"a":}')).toBeUndefined();
  });

  it('handles a text of one megabyte', () => {
    expect(indentedJson(JSON.stringify('\\"x'.repeat(250_000)))).toHaveLength(1_250_002);
  });
});

describe('answerOf', () => {
  it('shows text, without controls that change its direction', () => {
    const { text, fileName } = answerOf(
      200,
      'text/html',
      bytes('<b>a</b>\u202e\u0007\tb\r\nc'),
      'tool',
    );
    expect(text).toBe('<b>a</b>\ufffd\tb\nc');
    expect(fileName).toBe('tool.txt');
  });

  it('offers bytes that are no text as a file', () => {
    const png = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0xff]);
    expect(answerOf(200, 'image/png; x=1', png, 'chart')).toMatchObject({
      text: undefined,
      fileName: 'chart.png',
    });
    expect(answerOf(200, 'text/html', png, 'chart').fileName).toBe('chart.bin');
  });

  it('shows the beginning of a long text', () => {
    const {
      text,
      isCut,
      bytes: all,
    } = answerOf(200, 'text/plain', bytes('a'.repeat(200_000)), 'tool');
    expect([text?.length, isCut, all.byteLength]).toEqual([100_000, true, 200_000]);
  });
});
