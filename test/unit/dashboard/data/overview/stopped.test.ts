import { expect, it } from 'vitest';
import { stoppedMatters } from '../../../../../src/dashboard/data/overview/stopped.ts';
import type { AccountId } from '../../../../../src/protocol/account-id.ts';

const idOf = (at: number): AccountId => `eip155:1:0x${String(at).padStart(40, '0')}`;
const SELF = idOf(1);

it('names each stopped agent, and the page where it is resumed', () => {
  const items = [
    { account: SELF, status: 'frozen' as const },
    { account: idOf(2), label: 'Crawler', status: 'paused' as const },
  ];
  expect(stoppedMatters({ items, of: 2 }, SELF)).toEqual([
    {
      text: 'Your account is frozen: every call of your agents is denied',
      href: `/agents/${SELF}`,
    },
    { text: 'Crawler is paused: its calls are denied', href: `/agents/${idOf(2)}` },
  ]);
});

it.each([
  [2, '1 more agent is paused or frozen'],
  [12, '11 more agents are paused or frozen'],
])('counts those of %d that it does not name', (of, text) => {
  const items = [{ account: idOf(2), status: 'paused' as const }];
  expect(stoppedMatters({ items, of }, SELF).at(-1)).toEqual({ text, href: '/agents' });
});
