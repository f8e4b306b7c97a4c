import { describe, expect, test } from 'vitest';
import { bar, linesOf, spendText, totalsOf } from '../../src/cli/spend.ts';
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
    expect(totalsOf(linesOf(rows, 'tool'))).toEqual([
      { key: 'total', charged: 18_014_398_509_481_988n, calls: 8, denied: 0, failed: 0 },
    ]);
    expect(
      linesOf([row('2026-11-02', '1'), row('2026-11-01', '9')], 'day').map(({ key }) => key),
    ).toEqual(['2026-11-01', '2026-11-02']);
  });

  test('never adds what cards paid to what tokens paid', () => {
    const token = 'eip155:84532/erc20:0x036cbd53842c5426634e7929541ec2318f3dcf7e' as const;
    const rows = [
      { ...row('shop', '5'), asset: token },
      { ...row('shop', '20'), asset: 'iso4217:USD' as const },
      { ...row('book', '7'), asset: 'iso4217:USD' as const },
      // A denial has no asset.
      { ...row('book', '0', 0), denied: 3 },
    ];
    const lines = linesOf(rows, 'tool');
    expect(lines.map(({ key, asset, charged, denied }) => [key, asset, charged, denied])).toEqual([
      ['shop', 'iso4217:USD', 20n, 0],
      ['book', 'iso4217:USD', 7n, 3],
      ['shop', undefined, 5n, 0],
    ]);
    expect(totalsOf(lines).map(({ asset, charged }) => [asset, charged])).toEqual([
      [undefined, 5n],
      ['iso4217:USD', 27n],
    ]);
    const text = spendText(outputOf(100), lines, 'tool', names);
    expect(text).toContain('$0.000027 (card)');
    expect(text).not.toContain('$0.000032');
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
