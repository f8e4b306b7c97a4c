import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AnswerSource } from '../../../../src/gateway/meter/report-place.ts';
import { openReportReader } from '../../../../src/gateway/meter/report-reader.ts';

const source = (...pointers: readonly string[]): AnswerSource => ({
  ...{ from: 'answer', events: [], reports: 'final' },
  units: Object.fromEntries(pointers.map((pointer, at) => [`u${at}`, { pointers: [pointer] }])),
});

const USAGE = source('/in', '/details/cached', '/list/1/n');

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const readChunks = (chunks: readonly Uint8Array[], at = ['/usage'], of = USAGE) => {
  const reader = openReportReader(at, of);
  for (const chunk of chunks) reader.write(chunk);
  const { reports, ...rest } = reader.end();
  return { ...rest, reports: reports.map((report) => Object.fromEntries(report)) };
};

const read = (text: string, at = ['/usage'], of = USAGE) => readChunks([bytes(text)], at, of);

const NONE = { reports: [], isMalformed: false };
const number = (text: string) => ({ number: text });

describe('the reports of a document', () => {
  it.each<[string, string, object]>([
    ['a number', '{"usage":{"in":12}}', { '/in': number('12') }],
    [
      'values below it',
      '{"usage":{"details":{"cached":3},"list":[{"n":1},{"n":2},{"n":3}]}}',
      { '/details/cached': number('3'), '/list/1/n': number('2') },
    ],
    ['spaces anywhere', ' {\r\n"usage" :\t{ "in" : 12 } } \n', { '/in': number('12') }],
    ['exact digits', '{"usage":{"in":9007199254740993}}', { '/in': number('9007199254740993') }],
    ['a sign', '{"usage":{"in":-1}}', { '/in': number('-1') }],
    ['an exponent', '{"usage":{"in":1e400}}', { '/in': number('1e400') }],
    ['a text', '{"usage":{"in":"12"}}', { '/in': 'other' }],
    ['a boolean', '{"usage":{"in":true}}', { '/in': 'other' }],
    ['an object', '{"usage":{"in":{"in":1}}}', { '/in': 'other' }],
    ['an array', '{"usage":{"in":[1]}}', { '/in': 'other' }],
    ['null', '{"usage":{"in":null}}', {}],
    ['an empty report', '{"usage":{}}', {}],
    [
      'other members around it',
      '{"a":[{"usage":{"in":1}}],"usage":{"x":[1],"in":2},"b":"}"}',
      {
        '/in': number('2'),
      },
    ],
    [
      'quotes and backslashes in texts',
      '{"a":"\\\\\\"usage\\":{","usage":{"in":2}}',
      {
        '/in': number('2'),
      },
    ],
    [
      'text that looks like a report',
      '{"a":"{\\"usage\\":{\\"in\\":9}}","usage":{"in":2}}',
      {
        '/in': number('2'),
      },
    ],
  ])('hold %s', (_name, text, report) => {
    expect(read(text)).toEqual({ reports: [report], isMalformed: false });
  });

  it.each([
    ['null', '{"usage":null}'],
    ['a name with an escape', '{"us\\u0061ge":{"in":1}}'],
    ['another name', '{"Usage":{"in":1}}'],
    ['a place below another', '{"a":{"usage":{"in":1}}}'],
    ['an array of documents', '[{"usage":{"in":1}}]'],
    ['no document', '[DONE]'],
    ['nothing', ''],
    ['half a document', '{"usage":{"in":1}'],
    ['two documents', '{"usage":{"in":1}}{"usage":{"in":2}}'],
    ['a trailing comma', '{"usage":{"in":1},}'],
    ['no colon', '{"usage"{"in":1}}'],
    ['plain text', 'the "usage": {"in": 1}'],
    ['a number', '12'],
    ['a number with letters', '{"usage":{"in":1x}}'],
  ])('are none with %s', (_name, text) => {
    expect(read(text)).toEqual(NONE);
  });

  it.each([
    ['the report', '{"usage":{"in":1},"usage":{"in":2}}', ''],
    ['the report, once as null', '{"usage":null,"a":1,"usage":{"in":2}}', ''],
    ['a value', '{"usage":{"in":1,"in":1}}', '/in'],
    ['a place on the way', '{"usage":{"details":{"cached":1},"details":{}}}', ''],
  ])('are ambiguous if one object has twice: %s', (_name, text, duplicated) => {
    expect(read(text)).toMatchObject({ duplicated });
  });

  it('may repeat members that no pointer names', () => {
    expect(read('{"a":1,"a":2,"usage":{"in":1,"x":1,"x":2}}')).not.toHaveProperty('duplicated');
  });

  it.each(['12', '"12"', '[1]', 'true', '[]'])('are malformed if the place holds %s', (value) => {
    expect(read(`{"usage":${value}}`)).toEqual({ reports: [], isMalformed: true });
  });

  it('are in several places, and in the whole document', () => {
    const text = '{"message":{"usage":{"in":1}},"usage":{"in":2}}';
    expect(read(text, ['/usage', '/message/usage']).reports).toEqual([
      { '/in': number('2') },
      { '/in': number('1') },
    ]);
    expect(read('{"in":3}', ['']).reports).toEqual([{ '/in': number('3') }]);
    expect(read('[{"a":1},4]', [''], source('/1'))).toMatchObject({ isMalformed: true });
    expect(read('{"usage":7}', ['/usage'], source('')).reports).toEqual([{ '': number('7') }]);
  });

  it('have names with escapes of pointers', () => {
    const of = source('/a~1b/~0c');
    expect(read('{"usage":{"a/b":{"~c":5}}}', ['/usage'], of).reports).toEqual([
      { '/a~1b/~0c': number('5') },
    ]);
  });

  it('are those of one document after another', () => {
    const reader = openReportReader(['/usage'], USAGE);
    reader.write(bytes('{"usage":{"in":1'));
    expect(reader.end()).toEqual(NONE);
    reader.write(bytes('{"usage":{"in":2}}'));
    expect([...reader.end().reports].map((report) => [...report])).toEqual([
      [['/in', number('2')]],
    ]);
  });

  it('are the same at every cut', () => {
    const text = `{"é€\u{1f600}\\n":"\\ud83d\\\\","usage":{"in":12,"details":{"cached":4}},"z":[[{"a":"]"}]]}`;
    const whole = bytes(text);
    const expected = read(text);
    expect(expected.reports).toHaveLength(1);
    for (let at = 0; at <= whole.length; at += 1) {
      expect(readChunks([whole.slice(0, at), whole.slice(at)])).toEqual(expected);
    }
    expect(readChunks([...whole].map((byte) => Uint8Array.of(byte)))).toEqual(expected);
  });

  const name = fc.constantFrom('usage', 'in', 'details', 'cached', 'list', 'n', '"', '\\', 'é');
  const { json } = fc.letrec<{ json: unknown }>((tie) => ({
    json: fc.oneof(
      { maxDepth: 5, withCrossShrink: true },
      fc.oneof(fc.nat(), fc.string({ unit: 'binary' }), fc.boolean(), fc.constant(null)),
      fc.array(tie('json'), { maxLength: 3 }),
      fc.dictionary(name, tie('json'), { maxKeys: 4, noNullPrototype: true }),
    ),
  }));

  /** What `JSON.parse` finds at a pointer. */
  const at = (value: unknown, pointer: string): unknown =>
    pointer
      .split('/')
      .slice(1)
      .reduce<unknown>(
        (inner, token) =>
          typeof inner === 'object' && inner !== null && Object.hasOwn(inner, token)
            ? (inner as Record<string, unknown>)[token]
            : undefined,
        value,
      );

  it('are those of a parser that reads the whole document', () => {
    fc.assert(
      fc.property(json, fc.nat(4), fc.nat(1_000), (inner, indent, cut) => {
        const text = JSON.stringify({ usage: inner, also: { usage: inner } }, undefined, indent);
        const whole = bytes(text);
        const found = readChunks([whole.slice(0, cut), whole.slice(cut)]);
        const usage = at(JSON.parse(text), '/usage');
        const isReport = typeof usage === 'object' && usage !== null && !Array.isArray(usage);
        expect(found.reports).toHaveLength(isReport ? 1 : 0);
        expect(found.isMalformed).toBe(!isReport && usage !== null);
        for (const pointer of isReport ? ['/in', '/details/cached', '/list/1/n'] : []) {
          const value = at(usage, pointer);
          const [report] = found.reports;
          expect(report?.[pointer]).toEqual(
            value === undefined || value === null
              ? undefined
              : typeof value === 'number'
                ? number(String(value))
                : 'other',
          );
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('are none in any other bytes, which throw nothing', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        '{',
        '}',
        '[',
        ']',
        '"',
        ',',
        ':',
        '\\',
        '"usage"',
        '{"in":',
        '1',
        'null',
        ' ',
      ),
      fc.string({ unit: 'binary' }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const text = pieces.join('');
        const { reports } = read(text);
        let isJson = true;
        try {
          JSON.parse(text);
        } catch {
          isJson = false;
        }
        // What a parser reads as JSON and the pointer leads into must be found; this reader is more lenient in what it passes over.
        if (isJson && reports.length === 0) {
          const usage = at(JSON.parse(text), '/usage');
          expect(typeof usage === 'object' && usage !== null && !Array.isArray(usage)).toBe(false);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('take no memory and little time for members of any size', () => {
    const reader = openReportReader(['/usage'], USAGE);
    const chunk = new Uint8Array(1_000_000).fill(120);
    const numbers = bytes('[0.0123456789,-1],'.repeat(50_000));
    const from = performance.now();
    reader.write(bytes('{"text":"'));
    for (let count = 0; count < 50; count += 1) reader.write(chunk);
    reader.write(bytes('","vectors":['));
    for (let count = 0; count < 20; count += 1) reader.write(numbers);
    reader.write(bytes('[]],"'));
    for (let count = 0; count < 5; count += 1) reader.write(chunk);
    reader.write(bytes('":1,"usage":{"in":12}}'));
    expect(reader.end().reports.map((report) => [...report])).toEqual([[['/in', number('12')]]]);
    expect(performance.now() - from).toBeLessThan(5_000);
  });

  it('are found below a hundred thousand open arrays', () => {
    const deep = '['.repeat(100_000);
    expect(read(`{"a":${deep}${deep.replaceAll('[', ']')},"usage":{"in":1}}`).reports).toHaveLength(
      1,
    );
  });
});
