import { factsOf } from '../../../src/protocol/log/facts.ts';
import { conclude } from '../../../durable-objects/account/call/conclude.ts';
import type { CallRecord } from '../../../durable-objects/account/call/call-record.ts';
import type { Context } from '../../../durable-objects/account/decision.ts';
import { purseOf, withPurse } from '../../../durable-objects/account/purse.ts';
import { emptyAccount } from '../../../durable-objects/account/state.ts';
import { creditMovement } from '../../../src/audit/credit-movement.ts';
import { readLedger } from '../../../src/management/ledger-query.ts';
import { cursorOf } from '../../../src/management/page.ts';
import { ALONE } from '../../properties/alone.ts';
import { asset as TOKEN } from '../../properties/simulated-account.ts';
import { db, freshDatabase } from '../audit/database.ts';
import {
  accepted,
  ALICE,
  committed,
  failed,
  history,
  settled,
  START,
  unpaid,
  word,
} from '../audit/history.ts';
import { beforeEach, describe, expect, test } from 'vitest';
import { store, totalsOf, line } from './ledger-world.ts';

const ASSET = 'eip155:84532/erc20:0x036cbd53842c5426634e7929541ec2318f3dcf7e';

const PAYEE = `0x${'0f'.repeat(20)}`;

const DAY = 86_400;

beforeEach(freshDatabase);

describe('days of the ledger totals', () => {
  const midnight = START + DAY - (START % DAY);

  test('count a payment on the day its end was known, and its call on the day of its answer', async () => {
    await store(
      history(ALICE, [
        accepted(1, midnight - 10),
        committed(1, midnight - 1),
        settled(1, midnight),
        accepted(2, midnight - 10),
        committed(2, midnight - 1),
        unpaid(2, midnight + DAY - 1),
        accepted(3, midnight),
        failed(3, midnight),
      ]),
    );
    const items = await totalsOf();
    expect(line(items, 'revenue')).toEqual([`2027-01-15 ${ASSET} translate ${PAYEE} 2 40000`]);
    expect(line(items, 'settled')).toEqual([`2027-01-16 ${ASSET} 1 20000`]);
    expect(line(items, 'debt')).toEqual([`2027-01-16 ${ASSET} translate ${PAYEE} 1 20000`]);
    expect(line(items, 'released')).toEqual([`2027-01-16 ${ASSET} translate ${PAYEE} 1 20000`]);
    const one = await totalsOf({ from: '2027-01-15', to: '2027-01-15' });
    expect(new Set(one.map(({ day }) => day))).toEqual(new Set(['2027-01-15']));
    // A debt reduces the liability of every later day.
    expect((await totalsOf({ from: '2027-01-17', to: '2027-01-17' })).at(0)).toEqual({
      ...{ day: '2027-01-17', asset: ASSET, line: 'credit_liability', amount: -20_000n },
    });
  });

  test.each([
    ['a day and a second', DAY + 1],
    ['a week', 7 * DAY],
  ])('count a payment that took %s', async (_, seconds) => {
    await store(
      history(ALICE, [
        accepted(1, midnight),
        committed(1, midnight),
        settled(1, midnight + seconds),
      ]),
    );
    const day = new Date((midnight + seconds) * 1000).toISOString().slice(0, 10);
    const items = await totalsOf({ from: day, to: day });
    expect(line(items, 'settled')).toEqual([`${day} ${ASSET} 1 20000`]);
    expect(line(await totalsOf(), 'settled')).toHaveLength(1);
  });

  test('count a released payment that moved days later', async () => {
    const later = midnight + 2 * DAY;
    const moved = settled(1, later);
    const entries = history(ALICE, [
      accepted(1, midnight),
      failed(1, midnight),
      { ...moved, payment: { ...moved.payment, credited: '20000' } },
    ]);
    await store(entries.slice(0, 2));
    await store(entries.slice(2));
    // The call counts on this day only, although it was accepted long before.
    const items = await totalsOf({ from: '2027-01-18', to: '2027-01-18' });
    expect(line(items, 'settled')).toEqual([`2027-01-18 ${ASSET} 1 20000`]);
    expect(line(items, 'credit_late')).toEqual([`2027-01-18 ${ASSET} 1 20000`]);
    expect(line(items, 'released')).toEqual([]);
  });

  test('remove a debt whose payment moved after all', async () => {
    const account = emptyAccount(ALICE);
    const purse = { ...purseOf(account, TOKEN), unsettled: 1_000n, settled: 5_000n };
    const context = {
      ...ALONE,
      now: midnight,
      policyHash: word(7),
      salt: () => `0x${'11'.repeat(16)}` as const,
    } as Context;
    const call = word(1);
    const record = {
      ...{ id: call, asset: TOKEN, tool: 'translate', payment: 'sent', paidBy: 'deferred' },
      ...{ state: 'committed', price: 1_000n, charged: 1_000n, entries: [], usedShares: [] },
      ...{ windows: [], held: undefined },
    } as unknown as CallRecord;
    const [failure, success] = [
      { outcome: 'failed', fault: 'payer', reason: 'unfunded' },
      { outcome: 'settled', transaction: word(901), block: 9 },
    ] as const;
    const one = conclude(withPurse(account, TOKEN, purse), record, failure, context);
    const two = conclude(one.state, one.record, success, { ...context, now: midnight + DAY });
    expect(purseOf(one.state, TOKEN).credit).toBe(-1_000n);
    expect(purseOf(two.state, TOKEN).credit).toBe(0n);
    expect(two.record.entries.map((entry) => creditMovement(factsOf(entry)))).toMatchObject([
      { line: 'debt', amount: 1_000 },
      { line: 'late', amount: 1_000 },
    ]);
  });

  test('split into pages of whole days', async () => {
    const far = midnight + 100 * DAY;
    await store(
      history(ALICE, [accepted(1), committed(1), settled(1), accepted(2, far), committed(2, far)]),
    );
    const first = await readLedger(db, { from: '2027-01-10', to: '2027-12-31', feeOn: () => 0n });
    expect(first).toMatchObject({ ok: true, value: { next: expect.any(String) } });
    const items = await totalsOf();
    expect(line(items, 'revenue')).toHaveLength(2);
    const days = items.map(({ day }) => day);
    expect(days).toEqual(days.toSorted());
  });

  test('reject a cursor of other days', async () => {
    const range = { from: '2027-01-10', to: '2027-12-31', feeOn: () => 0n };
    const found = await readLedger(db, range);
    const after = found.ok ? found.value.next : undefined;
    expect(after).toBeDefined();
    for (const other of [
      { from: '2027-06-01', after },
      { to: '2027-01-12', after },
      { after: 'eA' },
      // This text sorts between the two days but is not a day.
      { after: cursorOf('books', ['2027-01-1x']) },
    ]) {
      expect(await readLedger(db, { ...range, ...other })).toMatchObject({
        error: { kind: 'bad_cursor' },
      });
    }
  });

  test('refuse to add up too many rows, and answer fewer days if those fit', async () => {
    const fill = (day: string, scope: string) =>
      db
        .prepare(
          `INSERT INTO spend WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
           SELECT ?2, 'own', ?1, 'usdc', 'tool-' || i, '', '[]', '', 1, 1, 0, 0, 0, 0 FROM n`,
        )
        .bind(day, scope)
        .run();
    await fill('2027-01-14', '*');
    const range = { from: '2027-01-10', to: '2027-01-14', feeOn: () => 0n };
    const before = await readLedger(db, range, 2_000);
    expect(before).toMatchObject({ ok: true, value: { items: [] } });
    // A single day cannot be split further, so it may have ten times as many rows.
    const day = { ...range, from: '2027-01-14' };
    expect(await readLedger(db, day, 2_000)).toMatchObject({ ok: true });
    expect(await readLedger(db, day, 201)).toMatchObject({ ok: true });
    expect(await readLedger(db, day, 200)).toMatchObject({
      error: { kind: 'day_too_full', day: '2027-01-14' },
    });
  });
});
