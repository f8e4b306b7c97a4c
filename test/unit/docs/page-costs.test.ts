import { expect, test } from 'vitest';
// oxlint-disable-next-line import/default -- Vite gives the text of a file as its default export
import page from '../../../docs/dashboard.md?raw';
import { ADDRESSES, PAGES } from '../../../dev/scale/page-addresses.ts';
import { MOST } from '../../browser/page-costs.ts';

/** The rows of the table whose head has this column. */
const rowsOf = (column: string): readonly (readonly string[])[] => {
  const tables = page
    .split('\n\n')
    .map((text) => text.split('\n').map((line) => line.split('|').map((cell) => cell.trim())));
  const [, , ...rows] = tables.find(([head = []]) => head.includes(column)) ?? [];
  return rows;
};

/** The cell of a page: one number for each role that may see the page, the operator's first. */
const cellOf = (address: string, at: 0 | 1): string =>
  ['operator', 'owner'].flatMap((who) => MOST[`${who} ${address}`]?.[at] ?? []).join(' / ');

test('test/browser/page-costs.ts has the costs of every page, for everybody who may see it', () => {
  const pages = ADDRESSES.map(({ who, path }) => `${who} ${path}`);
  expect(new Set(Object.keys(MOST))).toEqual(new Set(pages));
});

test('docs/dashboard.md has every page of the navigation', () => {
  const titles = rowsOf('changes').map(([, title = '']) => title);
  const names = PAGES.flatMap(({ name }) => name ?? []);
  expect(names.filter((name) => !titles.some((title) => title.startsWith(name)))).toEqual([]);
});

test('docs/dashboard.md has the requests and statements of every page that the browser test allows', () => {
  const shown = rowsOf('statements').map(
    ([, title = '', , requests, statements]) =>
      `${/`(.+)`/.exec(title)?.[1] ?? title}: ${requests}, ${statements}`,
  );
  const allowed = [...new Set(ADDRESSES.map(({ path }) => path))].map(
    (address) => `${address}: ${cellOf(address, 0)}, ${cellOf(address, 1)}`,
  );
  expect(shown.toSorted()).toEqual(allowed.toSorted());
});
