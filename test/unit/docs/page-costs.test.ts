import { expect, test } from 'vitest';
// oxlint-disable-next-line import/default -- Vite gives the text of a file as its default export
import page from '../../../docs/dashboard.md?raw';
import { MOST } from '../../browser/page-costs.ts';

/** The address of each page, by its row in the table. */
const ADDRESSES: Readonly<Record<string, string>> = {
  Overview: '/',
  'Overview, 30 days': '/?days=30',
  Agents: '/agents',
  'one agent': '/agents/:account',
  'one agent, History': '/agents/:account?tab=history',
  'History of an agent with half of all calls': '/agents/:busiest?tab=history',
  'Make an agent': '/agents/new',
  Tools: '/tools',
  'one tool': '/tools/id/:tool',
  'Add a tool': '/tools/new',
  'Import tools': '/tools/import',
  Calls: '/calls',
  'one call': '/calls/:account/:call',
  Spending: '/spending',
  Earned: '/earned',
  Denials: '/denials',
  Settlements: '/settlements',
  Audit: '/audit',
  Approvals: '/approvals',
  Settings: '/settings',
  Secrets: '/secrets',
  Signer: '/signer',
};

/** A number of each who may see the page, the operator's first. */
const cellOf = (address: string, at: 0 | 1): string =>
  ['operator', 'owner'].flatMap((who) => MOST[`${who} ${address}`]?.[at] ?? []).join(' / ');

test('docs/dashboard.md has the requests and statements of every page that the browser test allows', () => {
  const rows = page
    .split('\n')
    .filter((line) => line.startsWith('| '))
    .map((line) => line.split('|').map((cell) => cell.trim()));
  const head = rows.findIndex((cells) => cells.includes('statements'));
  const shown = rows.slice(head + 1).map(([, title = '', , requests, statements]) => ({
    ...{ title, requests, statements },
  }));
  expect(shown).toEqual(
    Object.entries(ADDRESSES).map(([title, address]) => ({
      title,
      requests: cellOf(address, 0),
      statements: cellOf(address, 1),
    })),
  );
  const addresses = Object.keys(MOST).map((name) => name.split(' ')[1]);
  expect(new Set(addresses)).toEqual(new Set(Object.values(ADDRESSES)));
});
