import { describe, expect, test } from 'vitest';
import { decimalOf, rowOf } from '../../src/cli/audit/call-columns.ts';
import { createAfterwards, createCallLedger } from '../../src/cli/audit/call-ledger.ts';
import type { AccountId } from '../../src/protocol/account-id.ts';
import type { Entry, EntryBody } from '../../src/protocol/entry.ts';

const ACCOUNT: AccountId = `eip155:84532:0x${'a1'.repeat(20)}`;
const OWNER: AccountId = `eip155:84532:0x${'b2'.repeat(20)}`;
const ASSET = 'eip155:84532/erc20:0x036cbd53842c5426634e7929541ec2318f3dcf7e';
const CALL = `0x${'c3'.repeat(32)}` as const;
const MOVED = `0x${'d4'.repeat(32)}` as const;

type Given = Omit<EntryBody, 'at'> & { readonly at?: number };

const logOf = (...bodies: readonly Given[]): readonly Entry[] =>
  bodies.map((body, index) => ({
    v: 1,
    account: ACCOUNT,
    seq: index + 1,
    prev: `0x${'00'.repeat(32)}`,
    salt: `0x${'00'.repeat(16)}`,
    at: 1_800_000_000 + index,
    ...body,
  }));

const accepted = (paidBy: string): Given => ({
  type: 'call.accepted',
  call: CALL,
  tool: 'report',
  amounts: { price: '50000' },
  payment: { asset: ASSET, payTo: `0x${'e5'.repeat(20)}`, paidBy },
});

const finished = (decision: string, charged: string, state: string, more: object = {}): Given => ({
  type: 'call.finished',
  call: CALL,
  decision,
  amounts: { charged, ...more },
  outcome: { success: decision === 'committed', status: 200, reason: 'answered' },
  // Only an upfront payment is settled when its call finishes.
  payment: { state, paidBy: state === 'settled' ? 'upfront' : 'deferred' },
});

const settled = (more: Readonly<Record<string, string>> = {}): Given => ({
  type: 'payment.settled',
  call: CALL,
  amounts: { amount: '50000' },
  payment: { transaction: MOVED, block: 7, ...more },
});

const linesOf = (entries: readonly Entry[]) => {
  const afterwards = createAfterwards();
  for (const entry of entries) afterwards.see(entry);
  const ledger = createCallLedger(ACCOUNT, afterwards.of);
  return [...entries.flatMap((entry) => ledger.see(entry)), ...ledger.end()];
};

const rowsOf = (...bodies: readonly Given[]) =>
  linesOf(logOf(...bodies)).map((line) => rowOf(line, 'bot'));

describe('the rows of a log', () => {
  test('have the transaction of a deferred payment and what was refunded long after', () => {
    const refund: Given = {
      type: 'call.refunded',
      call: CALL,
      amounts: { amount: '20000', refunded: '20000' },
    };
    expect(
      rowsOf(accepted('deferred'), finished('committed', '50000', 'queued'), settled(), refund),
    ).toEqual([
      expect.objectContaining({
        ...{ kind: 'call', outcome: 'committed', payment: 'settled', asset: 'USDC' },
        ...{ charged: '0.050000', refunded: '0.020000', cost: '0.030000', cost_atomic: 30_000n },
        ...{ transaction: MOVED, explorer: `https://sepolia.basescan.org/tx/${MOVED}` },
        ...{ time: '2027-01-15T08:00:00Z', ended: '2027-01-15T08:00:01Z' },
      }),
    ]);
  });

  test('count a top-up as credit, and as no cost', () => {
    const bought = finished('committed', '50000', 'settled', { credited: '50000' });
    expect(rowsOf(accepted('upfront'), settled(), bought)[0]).toMatchObject({
      ...{ charged: '0.050000', cost: '0.000000', credited: '0.050000', payment: 'settled' },
    });
  });

  test('show a payment that moved after its release, as credit', () => {
    const released = finished('released', '0', 'released');
    expect(rowsOf(accepted('deferred'), released, settled({ credited: '50000' }))).toMatchObject([
      { outcome: 'released', charged: '0.000000', payment: 'settled', credited: '0.050000' },
    ]);
  });

  test('keep a call whose amount waits for the operator until it is resolved', () => {
    const silent: Given = {
      type: 'call.abandoned',
      call: CALL,
      decision: 'abandoned',
      amounts: { charged: '0' },
      payment: { state: 'none', paidBy: 'credit', kept: true },
    };
    expect(rowsOf(accepted('credit'), silent)[0]).toMatchObject({
      outcome: 'abandoned, unresolved',
      charged: '0.000000',
    });
    const resolved: Given = {
      type: 'call.resolved',
      call: CALL,
      decision: 'charged',
      amounts: { charged: '50000', before: '0' },
      payment: { state: 'none', paidBy: 'credit' },
    };
    expect(rowsOf(accepted('credit'), silent, resolved)).toMatchObject([
      { outcome: 'abandoned', charged: '0.050000' },
    ]);
  });

  test('name the owner of the time, and the limit that denied in its unit', () => {
    const taken: Given = { type: 'grant.taken', outcome: { above: [OWNER] } };
    const denied = (limit: { readonly rule: string; readonly limit: string }): Given => ({
      type: 'call.denied',
      call: CALL,
      rule: limit.rule,
      count: 4,
      amounts: { price: '50000' },
      payment: { asset: ASSET },
      outcome: { limit: { ...limit, spent: '3', held: '0', resetsAt: 1_800_003_600 } },
    });
    expect(
      rowsOf(denied({ rule: 'day', limit: '9' }), taken, denied({ rule: 'rate', limit: '9' })),
    ).toMatchObject([
      { owner: ACCOUNT, limit: '0.000009', spent: '0.000003', resets: '2027-01-15T09:00:00Z' },
      { owner: OWNER, limit: '9', spent: '3', denials: 4, outcome: 'denied' },
    ]);
  });

  test('let go of calls that have ended', () => {
    const ledger = createCallLedger(ACCOUNT, () => ({ refunded: 0n }));
    for (const entry of logOf(accepted('credit'), finished('committed', '50000', 'none')))
      ledger.see(entry);
    expect(ledger.end()).toEqual([]);
  });
});

test('a decimal has six places and keeps its sign', () => {
  expect([0n, 1n, -20_000n, 12_345_678_901_234_567_890n].map(decimalOf)).toEqual([
    '0.000000',
    '0.000001',
    '-0.020000',
    '12345678901234.567890',
  ]);
});
