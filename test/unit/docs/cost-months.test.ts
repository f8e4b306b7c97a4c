import { expect, test } from 'vitest';
// oxlint-disable-next-line import/default -- Vite gives the text of a file as its default export
import readme from '../../../README.md?raw';
// oxlint-disable-next-line import/default -- as above
import page from '../../../docs/cost.md?raw';
import { billOf, monthlyDollars } from '../../../dev/cost/bill.ts';
import { COUNT_NAMES, NAMED } from '../../../dev/cost/tables.ts';
import type { Counts } from '../../cost/counts.ts';
import { expectText } from './expect-text.ts';

/** The numbers in a table's row that starts with this text. Rows of several tables share names. */
const row = (table: string, title: string): readonly number[] =>
  (
    page
      .slice(page.indexOf(`<!-- ${table}-start -->`))
      .split('\n')
      .find((line) => line.startsWith(`| ${title} |`)) ?? ''
  )
    .split('|')
    .slice(2, -1)
    .map((cell) => Number(cell.trim().replaceAll(',', '')));

/** The counts on the page, of a single call (0) or of one of 32 (1). */
const countsOf = (column: 0 | 1): Counts =>
  Object.fromEntries(
    NAMED.map((name) => [name, row('counts', COUNT_NAMES[name])[column]]),
  ) as Counts;

test.each([0, 100_000, 10_000_000])(
  'docs/cost.md bills a month of %d calls by its own counts, sizes and allowances',
  (calls) => {
    const bytes = row('storage', 'D1, a month');
    const cpu = row('bill', 'Worker CPU, ms');
    const shown = row('months', calls.toLocaleString('en-US'));
    for (const column of [0, 1] as const) {
      const bill = billOf(countsOf(column), cpu[column === 0 ? 1 : 3] ?? NaN);
      // The page shows rounded counts.
      const dollars = monthlyDollars(bill, bytes[column] ?? NaN, calls);
      expect(Math.abs((shown[column] ?? NaN) / dollars - 1)).toBeLessThan(0.02);
    }
  },
);

test('README.md names the bills of docs/cost.md in whole dollars', () => {
  const [idle, some, many] = [0, 100_000, 10_000_000].map((calls) =>
    row('months', calls.toLocaleString('en-US')).map(Math.round),
  );
  expect(idle).toEqual(some);
  expectText(readme, `costs $${idle?.[0]} a month without a call and with 100,000 paid calls`);
  expectText(readme, `$${many?.[1]} to $${many?.[0]} with 10,000,000`);
});
