import { beforeEach, describe, expect, test } from 'vitest';
import { callBody, findCall } from '../../../src/management/call.ts';
import { storedCharge } from '../../../src/management/call-charge.ts';
import type { LedgerItem } from '../../../src/management/ledger.route.ts';
import type { EntryBody } from '../../../src/protocol/entry.ts';
import { db, freshDatabase } from '../audit/database.ts';
import {
  accepted,
  ALICE,
  committed,
  history,
  kept,
  settled,
  START,
  unpaid,
  word,
} from '../audit/history.ts';
import { store, totalsOf } from './ledger-world.ts';

beforeEach(freshDatabase);

const storedAfter = async (...bodies: readonly EntryBody[]) => {
  for (const entry of history(ALICE, bodies)) await store([entry]);
  const found = await storedCharge(db, ALICE, word(1));
  if (!found.ok) throw new Error('unreadable');
  return found.value;
};

const lent = {
  ...accepted(1),
  payment: { ...accepted(1).payment, paidBy: 'lent', lender: word(5) },
};
const bought = (): EntryBody => ({
  ...committed(1),
  amounts: { charged: '20000', credited: '20000' },
  payment: { state: 'settled', paidBy: 'upfront' },
});
const metered = (): EntryBody => ({
  ...committed(1),
  amounts: { charged: '10000' },
  payment: { state: 'settled', paidBy: 'upfront', credited: '10000' },
});
const refunded = (amount: string, total: string, at = START + 9): EntryBody => ({
  ...{ type: 'call.refunded', at, call: word(1), tool: 'translate' },
  amounts: { amount, refunded: total },
});

describe('the charge of a call that only D1 has', () => {
  test.each<[string, readonly EntryBody[], object]>([
    ['is open until its payment has settled', [accepted(1), committed(1)], { payment: 'open' }],
    [
      'is paid once it has',
      [accepted(1), committed(1), settled(1)],
      { payment: 'settled', charged: 20_000n, state: 'committed', isKept: false, isTopUp: false },
    ],
    ['is unpaid if it failed', [accepted(1), committed(1), unpaid(1)], { payment: 'failed' }],
    ['is kept until an operator resolves it', [accepted(1), kept(1, 'credit')], { isKept: true }],
    ['is a top-up if it became credit', [accepted(1), settled(1), bought()], { isTopUp: true }],
    [
      'is no top-up if a part of its payment became credit',
      [accepted(1), settled(1), metered()],
      { isTopUp: false, charged: 10_000n },
    ],
    [
      'names the grant under which an ancestor paid',
      [lent, committed(1)],
      { paidBy: 'lent', lender: word(5) },
    ],
    ['is zero while the call runs', [accepted(1)], { state: 'held', charged: 0n }],
  ])('%s', async (_, bodies, charge) => {
    expect(await storedAfter(...bodies)).toMatchObject(charge);
  });

  test('is unknown without the call', async () => {
    expect(await storedAfter(accepted(2))).toBeUndefined();
  });
});

describe('a refunded call', () => {
  test('shows the total of its refunds, and lowers the revenue of their days', async () => {
    const next = START + 86_400;
    await storedAfter(
      ...[accepted(1), committed(1), settled(1)],
      ...[refunded('5000', '5000'), refunded('15000', '20000', next)],
    );
    const found = await findCall(db, ALICE, word(1));
    expect(found.ok && found.value && callBody(found.value)).toMatchObject({
      ...{ charged: '20000', refunded: '20000', state: 'committed' },
    });
    const items = await totalsOf();
    const amounts = (name: LedgerItem['line']) =>
      items.filter((item) => item.line === name).map(({ amount }) => amount);
    expect(amounts('revenue')).toEqual([15_000n, -15_000n]);
    expect(amounts('credit_returned')).toEqual([5_000n, 15_000n]);
    expect(amounts('credit_liability').at(-1)).toBe(20_000n);
  });
});
