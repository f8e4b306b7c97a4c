import { describe, expect, test } from 'vitest';
import { project } from '../../../src/audit/projection.ts';
import {
  abandoned,
  accepted,
  ALICE,
  committed,
  denied,
  failed,
  history,
  kept,
  late,
  resolved,
  settled,
  START,
  unpaid,
  word,
} from './history.ts';

const of = (...bodies: Parameters<typeof history>[1][number][]) => project(history(ALICE, bodies));

describe('a call', () => {
  test('that was paid has one row, with its payment', () => {
    expect(of(accepted(1), committed(1), settled(1))).toEqual([
      {
        call: word(1),
        seq: 2,
        firstSeq: 1,
        tool: 'translate',
        payee: `0x${'0f'.repeat(20)}`,
        request: word(1001),
        binding: 'none',
        asset: 'eip155:84532/erc20:0x036cbd53842c5426634e7929541ec2318f3dcf7e',
        price: 20_000,
        paidBy: 'deferred',
        charged: 20_000,
        state: 'committed',
        success: 1,
        status: 200,
        digest: word(9),
        reason: 'answered',
        policy: word(7),
        acceptedAt: START,
        endedAt: START + 1,
        payment: {
          seq: 3,
          state: 'settled',
          amount: 20_000,
          credited: 0,
          transaction: word(2001),
          block: 123,
          at: START + 4,
        },
      },
    ]);
  });

  test('that is running has no payment yet', () => {
    const calls = of(accepted(1));
    expect(calls).toMatchObject([{ state: 'held', price: 20_000, acceptedAt: START }]);
    expect(calls[0]).not.toHaveProperty('charged');
    expect(calls[0]).not.toHaveProperty('payment');
  });

  test('whose tool failed is not charged, and its payment is released', () => {
    expect(of(accepted(1), failed(1))).toMatchObject([
      {
        ...{ state: 'released', charged: 0, success: 0, status: 500, reason: 'upstream_status' },
        payment: { state: 'released', amount: 20_000, seq: 2 },
      },
    ]);
  });

  test('that was abandoned stays abandoned after a late answer', () => {
    expect(of(accepted(1), abandoned(1), late(1))).toMatchObject([
      {
        ...{ state: 'abandoned', charged: 0, success: 1, status: 200, endedAt: START + 90, seq: 3 },
        payment: { state: 'released' },
      },
    ]);
  });

  test('whose payer cancelled the payment has a failed payment with the fault', () => {
    expect(of(accepted(1), committed(1), unpaid(1))).toMatchObject([
      {
        payment: {
          state: 'failed',
          fault: 'payer',
          reason: 'cancelled',
          transaction: word(3001),
          amount: 20_000,
        },
      },
    ]);
  });

  test('whose released payment moved after all is settled and credited', () => {
    const moved = { ...settled(1), payment: { ...settled(1).payment, credited: '20000' } };
    expect(of(accepted(1), failed(1), moved)).toMatchObject([
      { payment: { state: 'settled', credited: 20_000, seq: 3 } },
    ]);
  });

  const upfront = { state: 'settled', paidBy: 'upfront' };

  test.each([
    ['failed', { ...failed(1), payment: upfront }, 'released'],
    ['was abandoned', { ...abandoned(1), payment: upfront }, 'abandoned'],
    ['was never repeated', { ...abandoned(1), decision: 'released', payment: upfront }, 'released'],
  ])('that was settled upfront and then %s becomes credit', (_, end, state) => {
    const { transaction, block } = settled(1).payment as { transaction: string; block: number };
    expect(of(accepted(1), settled(1), end)).toMatchObject([
      {
        ...{ state, charged: 0 },
        payment: {
          state: 'settled',
          seq: 3,
          amount: 20_000,
          credited: 20_000,
          transaction,
          block,
        },
      },
    ]);
  });

  test.each([
    ['succeeded', committed(1)],
    ['fell silent and keeps its charge', { ...abandoned(1), amounts: { charged: '20000' } }],
  ])('that was settled upfront and then %s does not become credit', (_, end) => {
    expect(of(accepted(1), settled(1), { ...end, payment: upfront })).toMatchObject([
      { payment: { state: 'settled', seq: 2, credited: 0 } },
    ]);
  });

  test.each([
    ['credit', 'charged', 20_000, undefined],
    ['credit', 'released', 0, undefined],
    ['upfront', 'charged', 20_000, { state: 'settled', seq: 2, credited: 0 }],
    ['upfront', 'released', 0, { state: 'settled', seq: 4, credited: 20_000, block: 123 }],
  ] as const)('that keeps %s stays abandoned when it is %s', (paidBy, decision, charged, paid) => {
    const entries = [accepted(1), ...(paidBy === 'upfront' ? [settled(1)] : []), kept(1, paidBy)];
    expect(of(...entries)).toMatchObject([{ state: 'abandoned', kept: 'held' }]);
    const calls = of(...entries, resolved(1, paidBy, decision), late(1));
    expect(calls).toMatchObject([
      { state: 'abandoned', kept: decision, charged, success: 1, endedAt: START + 90 },
    ]);
    if (paid === undefined) expect(calls[0]?.payment).toBeUndefined();
    else expect(calls[0]?.payment).toMatchObject(paid);
  });

  test('that was not paid upfront does not become credit', () => {
    const end = { ...failed(1), payment: { state: 'settled', paidBy: 'deferred' } };
    expect(of(accepted(1), settled(1), end)).toMatchObject([{ payment: { seq: 2, credited: 0 } }]);
  });
});

describe('a payment', () => {
  const first = { ...accepted(1), decision: 'settle', payment: { paidBy: 'upfront' } };
  const release = { ...failed(1), payment: { state: 'released', paidBy: 'deferred' } };

  test.each([
    ['is open from the commit of its call', [accepted(1), committed(1)], 'open'],
    ['is not open while its tool runs', [accepted(1)], undefined],
    ['is open from the acceptance of its call if it settles first', [first], 'open'],
    ['is not open any more when it settles', [committed(1), settled(1)], 'settled'],
    ['is not open any more when it fails', [unpaid(1)], 'failed'],
    ['is not open any more when it is released', [release], 'released'],
    ['is never open again once it has ended', [first, settled(1), committed(1)], 'settled'],
    [
      'has one state if one chunk opens and ends it',
      [accepted(1), committed(1), settled(1)],
      'settled',
    ],
    [
      'is not opened by a call from credit',
      [{ ...committed(1), payment: { state: 'none' } }],
      undefined,
    ],
  ])('%s', (_, bodies, state) => {
    expect(of(...bodies)[0]?.payment?.state).toBe(state);
  });
});

test('a denial has no row', () => {
  expect(of(denied(1))).toEqual([]);
});

test('an amount that is not a safe integer is rejected', () => {
  expect(() => of({ ...accepted(1), amounts: { price: '9007199254740993' } })).toThrow(RangeError);
});
