import { beforeEach, describe, expect, test } from 'vitest';
import { listAccounts } from '../../../src/management/account.ts';
import { readLabels } from '../../../src/management/account-label.ts';
import { listApprovals } from '../../../src/management/approval.ts';
import { callBody } from '../../../src/management/call.ts';
import { listChargeChanges } from '../../../src/management/charge-change.ts';
import { listCalls } from '../../../src/management/call-list.ts';
import { readOverview } from '../../../src/management/overview.ts';
import { settlementBody } from '../../../src/management/settlement-body.ts';
import { listSettlements } from '../../../src/management/settlement-list.ts';
import { spendReport } from '../../../src/management/spend-query.ts';
import type { EntryBody } from '../../../src/protocol/entry.ts';
import { db, freshDatabase } from '../audit/database.ts';
import {
  accepted,
  accountOf,
  committed,
  kept as silent,
  resolved,
  START,
} from '../audit/history.ts';
import { happen, valueOf } from './walk.ts';

const [owner, other, kept, left, unnamed] = [1, 2, 3, 4, 5].map(accountOf) as [
  ReturnType<typeof accountOf>,
  ReturnType<typeof accountOf>,
  ReturnType<typeof accountOf>,
  ReturnType<typeof accountOf>,
  ReturnType<typeof accountOf>,
];
const DAY = new Date(START * 1000).toISOString().slice(0, 10);

const taken = (above: string): EntryBody => ({
  type: 'grant.taken',
  at: START,
  outcome: { above: [above] },
});
const label = (text: string, role: 'operator' | 'owner' = 'operator'): EntryBody => ({
  type: 'account.label',
  at: START,
  outcome: { label: text },
  evidence: { role },
});
const spent = (call: number): readonly EntryBody[] => [accepted(call), committed(call)];
const parked = (call: number): EntryBody => ({
  ...accepted(call),
  type: 'call.parked',
  decision: 'wait',
  rule: 'approval',
  outcome: { until: START + 600, asked: owner, above: '1', approver: owner },
});

beforeEach(async () => {
  await freshDatabase();
  await happen(kept, [taken(owner), label('Crawler'), ...spent(1), parked(11)]);
  // The account spent from `owner`'s credit and has another parent now.
  await happen(left, [
    taken(owner),
    ...spent(2),
    ...spent(4),
    parked(12),
    taken(other),
    label('Secret plan', 'owner'),
  ]);
  await happen(unnamed, [taken(owner), ...spent(3), parked(13)]);
});

const whole = { from: DAY, to: DAY, by: 'account', limit: 10 } as const;
const names = (items: readonly { readonly key: string; readonly label?: string }[]) =>
  Object.fromEntries(items.map(({ key, label: name }) => [key, name]));

// Attack: an account labels itself with the name of a customer.
const ALL = { [kept]: 'Crawler', [left]: '(own name) Secret plan', [unnamed]: undefined };
const OWN = { [kept]: 'Crawler', [left]: undefined, [unnamed]: undefined };

describe('an operator sees the label of each account, with a mark if its owner gave it', () => {
  test('in the list of accounts', async () => {
    const { items } = await valueOf(listAccounts(db, { limit: 10 }));
    const found = items.map(({ account, label: name }) => [account, name]);
    expect(Object.fromEntries(found)).toMatchObject(ALL);
  });

  test('in the spend by account', async () => {
    const { items } = await valueOf(spendReport(db, { ...whole, scope: '*' }));
    expect(names(items)).toEqual(ALL);
  });

  test('in the ranking of the overview', async () => {
    const { accounts } = await valueOf(readOverview(db, { scope: '*' }, DAY, 7));
    expect(names('items' in accounts ? accounts.items : [])).toEqual(ALL);
  });

  test('of the calls', async () => {
    const { items } = await valueOf(listCalls(db, { limit: 10 }));
    const bodies = items.map(callBody).map(({ account, label: name }) => [account, name]);
    expect(Object.fromEntries(bodies)).toEqual(ALL);
  });

  test('of the payments', async () => {
    const { items } = await valueOf(listSettlements(db, { limit: 10 }));
    const bodies = items.map((item) => settlementBody(item, START));
    expect(Object.fromEntries(bodies.map((body) => [body.account, body.label]))).toEqual(ALL);
  });

  test('of the changes of charges', async () => {
    await happen(other, [
      label('Refunder'),
      accepted(5),
      silent(5, 'credit'),
      resolved(5, 'credit', 'charged'),
    ]);
    const { items } = await valueOf(listChargeChanges(db, { limit: 10 }));
    expect(items.map(({ account, label: name }) => [account, name])).toEqual([[other, 'Refunder']]);
  });

  test('of the approvals', async () => {
    const { items } = await valueOf(listApprovals(db, { limit: 10 }));
    expect(Object.fromEntries(items.map((item) => [item.account, item.label]))).toEqual(ALL);
  });
});

describe('an owner sees no label of an account that has left its tree', () => {
  test('in the spend by account', async () => {
    const { items } = await valueOf(spendReport(db, { ...whole, scope: owner }));
    expect(names(items)).toEqual(OWN);
  });

  test('in the ranking of the overview', async () => {
    const { accounts } = await valueOf(readOverview(db, { scope: owner }, DAY, 7));
    expect(names('items' in accounts ? accounts.items : [])).toEqual(OWN);
  });

  test('of the approvals', async () => {
    const { items } = await valueOf(
      listApprovals(db, { tree: { account: owner, reader: owner }, limit: 10 }),
    );
    expect(Object.fromEntries(items.map((item) => [item.account, item.label]))).toEqual(OWN);
  });

  test('in the tree', async () => {
    const labels = await readLabels(db, { scope: owner, reader: owner }, [
      kept,
      left,
      unnamed,
      accountOf(99),
    ]);
    expect([...labels]).toEqual([[kept, 'Crawler']]);
  });
});

test('labels leave the order of a ranking as it is', async () => {
  const { accounts } = await valueOf(readOverview(db, { scope: '*' }, DAY, 7));
  const keys = 'items' in accounts ? accounts.items.map(({ key }) => key) : [];
  expect(keys).toEqual([left, ...[kept, unnamed].toSorted()]);
});
