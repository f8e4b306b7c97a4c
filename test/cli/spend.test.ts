import { describe, expect, test } from 'vitest';
import { bar, linesOf, spendText, totalOf } from '../../src/cli/spend.ts';
import { longest, names, outputOf } from './support/output.ts';

describe('a spend report', () => {
  const row = (key: string, charged: string, calls = 1) => ({
    key,
    calls,
    charged,
    denied: 0,
    failed: 0,
  });

  test('adds exactly, sorts by spend, and sorts days by date', () => {
    const rows = [
      row('a', '9007199254740993'),
      row('b', '2'),
      row('a', '9007199254740993'),
      row('c', '0', 5),
    ];
    expect(linesOf(rows, 'tool').map(({ key, charged }) => [key, charged])).toEqual([
      ['a', 18_014_398_509_481_986n],
      ['b', 2n],
      ['c', 0n],
    ]);
    expect(totalOf(linesOf(rows, 'tool'))).toMatchObject({
      charged: 18_014_398_509_481_988n,
      calls: 8,
    });
    expect(
      linesOf([row('2026-11-02', '1'), row('2026-11-01', '9')], 'day').map(({ key }) => key),
    ).toEqual(['2026-11-01', '2026-11-02']);
  });

  test('draws bars to an eighth of a column, and none for zero', () => {
    expect([
      bar(8n, 8n, 2),
      bar(4n, 8n, 2),
      bar(1n, 16n, 2),
      bar(1n, 1_000_000n, 2),
      bar(0n, 8n, 2),
      bar(0n, 0n, 2),
    ]).toEqual(['██', '█', '▏', '▏', '', '']);
  });

  test('fits into every terminal', () => {
    const lines = linesOf(
      [row('a-tool-with-a-long-name.and-more-of-it', '123456789', 1000), row('b', '1')],
      'tool',
    );
    for (const columns of [20, 40, 64, 80, 120])
      expect(longest(spendText(outputOf(columns), lines, 'tool', names))).toBeLessThanOrEqual(
        columns,
      );
  });
});
