import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { withIncludeUsage } from '../../../../src/gateway/meter/include-usage.ts';

const bytes = (text: string) => new Uint8Array(new TextEncoder().encode(text));
const sent = (text: string): string => {
  const body = withIncludeUsage(bytes(text));
  if (!body.ok) throw new Error(`${body.error.field} ${body.error.hint}`);
  return new TextDecoder().decode(body.value);
};
const refused = (body: Uint8Array<ArrayBuffer>) => {
  const made = withIncludeUsage(body);
  return made.ok ? undefined : made.error.field;
};

const ASKS = '"stream_options":{"include_usage":true}';

describe('a request for usage in a stream', () => {
  it.each([
    ['{"stream":true}', `{"stream":true,${ASKS}}`],
    ['{"stream":true}\r\n ', `{"stream":true,${ASKS}}\r\n `],
    [
      '{ "seed": 12345678901234567890, "stream": true }',
      `{ "seed": 12345678901234567890, "stream": true ,${ASKS}}`,
    ],
    ['{"stream":true,"x":"}"}', `{"stream":true,"x":"}",${ASKS}}`],
    ['{"stream":true,"stream_options":null}', `{"stream":true,${ASKS}}`],
    ['{"stream":true,"stream_options":{}}', `{"stream":true,${ASKS}}`],
    [
      '{"stream":true,"stream_options":{"include_usage":false,"include_obfuscation":false}}',
      '{"stream":true,"stream_options":{"include_usage":true,"include_obfuscation":false}}',
    ],
  ])('is added to %s', (body, expected) => {
    expect(sent(body)).toBe(expected);
  });

  it.each([
    '{}',
    '{"stream":false}',
    '{"stream":null,"stream_options":{}}',
    `{"stream":true,${ASKS}}`,
    '{ "stream" : true , "stream_options" : { "include_usage" : true } , "x" : 1e2 }',
  ])('is not added to %s', (body) => {
    expect(sent(body)).toBe(body);
  });

  it.each([
    ['', 'body'],
    ['[]', 'body'],
    ['{"stream":true', 'body'],
    ['{"stream":false,"stream":true}', 'body'],
    ['{"stream":true,"stream_options":[]}', 'stream_options'],
    ['{"Stream":true}', 'Stream'],
    ['{"stream":"true"}', 'stream'],
    ['{"stream":1}', 'stream'],
    ['{"stream":[true]}', 'stream'],
    [
      '{"n":2,"stream":true,"stream_options":{"include_usage":true,"continuous_usage_stats":true}}',
      'stream_options.continuous_usage_stats',
    ],
    ['{"stream":true,"stream_options":{"Include_Usage":false}}', 'stream_options.Include_Usage'],
    ['{"stream":true,"\u017ftream_options":{}}', '\u017ftream_options'],
    [
      '{"stream":true,"seed":12345678901234567890,"stream_options":{}}',
      'stream_options.include_usage',
    ],
  ])('is impossible in %j', (body, field) => {
    expect(refused(bytes(body))).toBe(field);
  });

  it('is impossible in bytes that are not UTF-8', () => {
    expect(refused(Uint8Array.of(0x7b, 0xff, 0x7d))).toBe('body');
  });

  it('leaves every other member as it was', () => {
    const member = fc.dictionary(fc.string(), fc.jsonValue(), {
      maxKeys: 4,
      noNullPrototype: true,
    });
    fc.assert(
      fc.property(member, fc.nat(3), (members, indent) => {
        const body = { ...members, stream: true };
        if (Object.hasOwn(body, '__proto__') || Object.hasOwn(body, 'stream_options')) return;
        const text = JSON.stringify(body, undefined, indent);
        expect(JSON.parse(sent(text))).toEqual({
          ...(JSON.parse(text) as object),
          stream_options: { include_usage: true },
        });
      }),
    );
  });
});
