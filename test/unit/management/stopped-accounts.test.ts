import { beforeEach, expect, test } from 'vitest';
import { dayOf } from '../../../src/audit/day.ts';
import { readOverview } from '../../../src/management/overview.ts';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import type { EntryBody } from '../../../src/protocol/entry.ts';
import { db, freshDatabase } from '../audit/database.ts';
import { accountOf, START } from '../audit/history.ts';
import { happen, valueOf } from './walk.ts';

const [owner, manager, agent, left, stranger] = [1, 2, 3, 4, 5].map(accountOf) as [
  AccountId,
  AccountId,
  AccountId,
  AccountId,
  AccountId,
];
const taken = (...above: string[]): EntryBody => ({
  type: 'grant.taken',
  at: START,
  outcome: { above },
});
const status = (decision: string, side: string): EntryBody => ({
  type: 'account.status',
  at: START,
  decision,
  outcome: { side },
});

const stoppedOf = async (scope: AccountId | '*', reader?: AccountId) =>
  (await valueOf(readOverview(db, { scope, ...(reader && { reader }) }, dayOf(START), 7))).stopped;

beforeEach(async () => {
  await freshDatabase();
  await happen(owner, [{ type: 'account.label', at: START, outcome: { label: 'Head office' } }]);
  await happen(manager, [taken(owner), status('paused', 'owner'), status('active', 'owner')]);
  await happen(agent, [
    taken(manager, owner),
    { type: 'account.label', at: START, outcome: { label: 'Crawler' } },
    status('paused', 'owner'),
    status('frozen', 'operator'),
  ]);
  // The account was once a descendant of the owner, and was then paused under another parent.
  await happen(left, [taken(owner), taken(stranger), status('paused', 'owner')]);
});

test('an owner sees its agents that are paused or frozen now, by the stricter status', async () => {
  const stopped = { items: [{ account: agent, label: 'Crawler', status: 'frozen' }], of: 1 };
  expect(await stoppedOf(owner)).toEqual(stopped);
  expect(await stoppedOf(manager)).toEqual(stopped);
  expect(await stoppedOf(manager, owner)).toEqual(stopped);
});

test('an account that left is not shown to its former owner, nor to one that its parent was never below', async () => {
  expect(await stoppedOf(stranger)).toEqual({
    items: [{ account: left, status: 'paused' }],
    of: 1,
  });
  expect(await stoppedOf(stranger, owner)).toEqual({ items: [], of: 0 });
});

test('an account sees its own status, and no agent that is revoked', async () => {
  await happen(stranger, [status('frozen', 'operator')]);
  expect(await stoppedOf(stranger)).toEqual({
    items: [
      { account: left, status: 'paused' },
      { account: stranger, status: 'frozen' },
    ],
    of: 2,
  });
  await happen(accountOf(6), [
    taken(stranger),
    status('paused', 'owner'),
    status('revoked', 'operator'),
  ]);
  expect((await stoppedOf(stranger))?.of).toBe(2);
});

test('the first five are named, and all are counted', async () => {
  for (const at of [11, 12, 13, 14, 15, 16])
    await happen(accountOf(at), [taken(owner), status('paused', 'owner')]);
  const stopped = await stoppedOf(owner);
  expect([stopped?.items.length, stopped?.of]).toEqual([5, 7]);
});

test('an operator reads them as a list of accounts instead', async () => {
  expect(await stoppedOf('*')).toBeUndefined();
});
