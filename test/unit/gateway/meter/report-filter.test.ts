import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openReportFilter } from '../../../../src/gateway/meter/report-filter.ts';
import type { AnswerSource } from '../../../../src/gateway/meter/report-place.ts';
import { openReportReader } from '../../../../src/gateway/meter/report-reader.ts';

const SOURCE: AnswerSource = {
  ...{ from: 'answer', events: [], reports: 'final' },
  units: { input: { pointers: ['/in'] }, cached: { pointers: ['/details/cached'] } },
};
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const mayReport = (text: string, at: readonly string[]) =>
  openReportFilter(at, SOURCE)(bytes(text));

describe('the filter of documents', () => {
  it.each([
    ['{"usage":{"in":1}}', true],
    ['{"usage" : null}', true],
    ['{"a":1,"usage":null,"b":{"usage":{}}}', true],
    ['{"usage":nul', true],
    ['{"usage":null}', false],
    ['{"usage":null,"usage":null}', false],
    ['{"content":"usage"}', true],
    ['{"content":"usages: usage"', true],
    ['{"content":"no use \\"age"}', false],
    ['{"choices":[]}', false],
    ['[DONE]', false],
    ['', false],
  ])('lets %s through: %s', (text, expected) => {
    expect(mayReport(text, ['/usage'])).toBe(expected);
  });

  it('looks for every place, and for the values of a report that is the whole document', () => {
    expect(mayReport('{"used":{"in":1}}', ['/usage', '/message/used'])).toBe(true);
    expect(mayReport('{"in":1}', [''])).toBe(true);
    expect(mayReport('{"details":{"cached":1}}', [''])).toBe(true);
    expect(mayReport('{"out":1}', [''])).toBe(false);
  });

  it('never discards a report', () => {
    const name = fc.constantFrom(
      'usage',
      'sage',
      'usag',
      'uusage',
      'in',
      'details',
      'cached',
      'x',
      '"usage"',
    );
    const { json } = fc.letrec<{ json: unknown }>((tie) => ({
      json: fc.oneof(
        { maxDepth: 4 },
        fc.oneof(fc.nat(), name, fc.constant(null)),
        fc.array(tie('json'), { maxLength: 3 }),
        fc.dictionary(name, tie('json'), { maxKeys: 4, noNullPrototype: true }),
      ),
    }));
    const places = fc.constantFrom(['/usage'], ['/usage', '/x/usage'], [''], ['/x/in', '/sage']);
    fc.assert(
      fc.property(json, places, fc.nat(2), (value, at, indent) => {
        const document = bytes(JSON.stringify(value, undefined, indent));
        const reader = openReportReader(at, SOURCE);
        reader.write(document);
        const { reports, isMalformed } = reader.end();
        if (isMalformed && at[0] !== '') expect(openReportFilter(at, SOURCE)(document)).toBe(true);
        if (reports.some((report) => report.size > 0)) {
          expect(openReportFilter(at, SOURCE)(document)).toBe(true);
        }
      }),
      { numRuns: 3_000 },
    );
  });
});
