import { expect, it } from 'vitest';
import { shortcutsOf } from '../../../../../src/dashboard/data/navigation/shortcuts.ts';

it('gives each page the first letter of its name that no page before it has', () => {
  const pages = [
    { path: '/', name: 'Overview' },
    { path: '/agents', name: 'Agents' },
    { path: '/agents/:account' },
    { path: '/settlements', name: 'Settlements' },
    { path: '/settings', name: 'Settings' },
    { path: '/sets', name: 'Ee' },
  ];
  expect(shortcutsOf(pages).map(({ letter, path }) => `${letter} ${path}`)).toEqual([
    'o /',
    'a /agents',
    's /settlements',
    'e /settings',
  ]);
});
