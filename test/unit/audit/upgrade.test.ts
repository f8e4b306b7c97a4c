import { expect, test } from 'vitest';
import { encodeChunk } from '../../../src/audit/chunk.ts';
import { entryHash } from '../../../src/audit/entry.ts';
import { type Entry, type EntryBody } from '../../../src/protocol/entry.ts';
import { findAccount } from '../../../src/audit/query/account.ts';
import { readBooks } from '../../../src/audit/query/books.ts';
import { listCalls } from '../../../src/audit/query/call.ts';
import { listSettlements } from '../../../src/audit/query/settlement.ts';
import { spendReport } from '../../../src/audit/query/spend.ts';
import { settlementStory } from '../../../src/audit/query/story.ts';
import { storeChunk } from '../../../src/audit/store.ts';
import { db, messageOf, olderDatabase, rows, upgrade } from './database.ts';
import {
  accepted,
  accountOf,
  ALICE,
  committed,
  denied,
  failed,
  history,
  settled,
  START,
  word,
} from './history.ts';
import { valueOf } from './query/walk.ts';

const OWNER = accountOf(1);
const DAY = 86_400;

const taken: EntryBody = {
  type: 'grant.taken',
  at: START,
  evidence: { delegation: { issuer: OWNER.slice(OWNER.lastIndexOf(':') + 1) } },
};
const frozen: EntryBody = { type: 'account.status', at: START, decision: 'frozen' };
const topUp = { ...committed(5), tool: 'countersign.credits', payment: { state: 'settled' } };

const old = history(ALICE, [
  taken,
  accepted(1),
  committed(1),
  settled(1),
  accepted(2),
  failed(2),
  accepted(3, START + DAY),
  committed(3, START + DAY),
  denied(4),
  frozen,
  { ...accepted(5), tool: 'countersign.credits' },
  { ...topUp, amounts: { charged: '20000', credited: '20000' } },
]);

/** What the release before left behind: chunks and two tables, written as it wrote them. */
const beforeReports = async () => {
  await olderDatabase(1);
  const calls = [
    [1, 'translate', 'committed', 20_000, START, START + 1],
    [2, 'translate', 'released', 0, START, START + 1],
    [3, 'translate', 'committed', 20_000, START + DAY, START + DAY],
    [5, 'countersign.credits', 'committed', 20_000, START, START + 1],
  ] as const;
  await db.batch([
    ...[old.slice(0, 5), old.slice(5)].map((part) => insertChunk(part)),
    ...calls.map(([call, tool, state, charged, acceptedAt, endedAt]) =>
      db
        .prepare(
          `INSERT INTO calls (account, call, tool, asset, price, paid_by, charged, state, accepted_at, ended_at, seq)
           VALUES (?, ?, ?, 'usdc', 20000, 'deferred', ?, ?, ?, ?, 9)`,
        )
        .bind(ALICE, word(call), tool, charged, state, acceptedAt, endedAt),
    ),
    ...[1, 2, 5].map((call) =>
      db
        .prepare('INSERT INTO payments VALUES (?, ?, ?, 20000, 0, NULL, 1, NULL, NULL, ?, 9)')
        .bind(ALICE, word(call), call === 2 ? 'released' : 'settled', START + 9),
    ),
  ]);
};

const bodies = new Map<Entry, Uint8Array>();
const insertChunk = (part: readonly Entry[]) =>
  db
    .prepare('INSERT INTO chunks VALUES (?, ?, ?, ?, ?, ?)')
    .bind(
      ALICE,
      part[0]?.seq,
      part.at(-1)?.seq,
      entryHash(part.at(-1) as Entry),
      bodies.get(part[0] as Entry),
      START,
    );

test('what is stored already is in the reports', async () => {
  for (const part of [old.slice(0, 5), old.slice(5)]) {
    bodies.set(part[0] as Entry, await encodeChunk(part));
  }
  await beforeReports();
  await upgrade();
  const whole = { from: '2027-01-01', to: '2027-12-31', limit: 100 };
  for (const scope of [ALICE, '*'] as const) {
    const { items } = await valueOf(spendReport(db, { ...whole, scope, by: 'tool' }));
    expect(items).toEqual([
      { key: 'countersign.credits', asset: 'usdc', calls: 1n, charged: 0n, denied: 0n, failed: 0n },
      { key: 'translate', asset: 'usdc', calls: 3n, charged: 40_000n, denied: 0n, failed: 1n },
    ]);
  }
  const byDay = await valueOf(spendReport(db, { ...whole, scope: ALICE, by: 'day' }));
  expect(byDay.items.map(({ key, calls }) => [key, calls])).toEqual([
    ['2027-01-15', 3n],
    ['2027-01-16', 1n],
  ]);
  const open = await valueOf(listSettlements(db, { state: 'open', limit: 9 }));
  expect(open.items.map(({ call }) => call)).toEqual([word(3)]);
  expect((await valueOf(listCalls(db, { limit: 9 }))).items).toHaveLength(4);
  expect(await valueOf(findAccount(db, ALICE))).toEqual({
    account: ALICE,
    status: 'active',
    ownerStatus: 'active',
    operatorStatus: 'active',
    firstAt: START,
  });
  // Where the call begins is not known; what its rows name is read.
  expect(await valueOf(settlementStory(db, ALICE, word(3)))).toMatchObject({ complete: false });
});

test('the next chunk of an account tells what its older ones said of it', async () => {
  await beforeReports();
  await upgrade();
  const last = old.at(-1) as Entry;
  const after = { seq: last.seq, hash: entryHash(last) };
  const next = history(ALICE, [accepted(8), committed(8)], after);
  expect(await storeChunk(db, await messageOf(next), START)).toMatchObject({ ok: true });
  expect(await valueOf(findAccount(db, ALICE))).toMatchObject({
    parent: OWNER,
    above: [OWNER],
    status: 'frozen',
  });
  expect(await rows('kin')).toEqual([{ ancestor: OWNER, account: ALICE }]);
  const { items } = await valueOf(
    spendReport(db, { scope: OWNER, from: '2027-01-01', to: '2027-12-31', by: 'tool', limit: 9 }),
  );
  expect(items).toMatchObject([{ key: 'translate', calls: 1n, charged: 20_000n }]);
});

test('the release before goes on writing until it is replaced', async () => {
  await beforeReports();
  await upgrade();
  const account = accountOf(7);
  await db.batch([
    db
      .prepare('INSERT INTO chunks VALUES (?, 1, 2, ?, ?, ?)')
      .bind(account, word(1), new Uint8Array(1), START),
    db
      .prepare(
        `INSERT INTO calls (account, call, seq, state, accepted_at) VALUES (?, ?, 1, 'held', ?)`,
      )
      .bind(account, word(1), START),
  ]);
  expect((await valueOf(listCalls(db, { account, limit: 9 }))).items).toHaveLength(1);
});

test('books begin with what tables tell of the time before', async () => {
  await olderDatabase(4);
  const asset = 'eip155:84532/erc20:0x036cbd53842c5426634e7929541ec2318f3dcf7e';
  const calls = [
    // A call that paid from credit, a top-up, money of a failed call, a debt, credit of an account above, and one that settled late.
    [1, 'translate', 'committed', 'credit', 20_000],
    [2, 'countersign.credits', 'committed', 'upfront', 90_000],
    [3, 'translate', 'released', 'upfront', 0],
    [4, 'translate', 'committed', 'deferred', 20_000],
    [5, 'translate', 'committed', 'lent', 5_000],
    [6, 'translate', 'committed', 'deferred', 20_000],
  ] as const;
  const payments = [
    [2, 'settled', 90_000, 90_000, null, 9],
    [3, 'settled', 20_000, 20_000, null, 9],
    [4, 'failed', 20_000, 0, 'payer', 9],
    [6, 'settled', 20_000, 0, null, 5 * DAY],
  ] as const;
  await db.batch([
    ...calls.map(([call, tool, state, paidBy, charged]) =>
      db
        .prepare(
          `INSERT INTO calls (account, call, tool, asset, price, paid_by, charged, state, accepted_at, ended_at, seq)
           VALUES (?, ?, ?, ?, 20000, ?, ?, ?, ?, ?, 9)`,
        )
        .bind(ALICE, word(call), tool, asset, paidBy, charged, state, START, START + 1),
    ),
    ...payments.map(([call, state, amount, credited, fault, after]) =>
      db
        .prepare('INSERT INTO payments VALUES (?, ?, ?, ?, ?, NULL, 1, ?, NULL, ?, 9)')
        .bind(ALICE, word(call), state, amount, credited, fault, START + after),
    ),
  ]);
  await upgrade();
  const asked = { from: '2027-01-15', to: '2027-01-20', feeOn: () => 0n };
  const { items } = await valueOf(readBooks(db, asked));
  const lines = items
    .filter(({ line, day }) => line !== 'credit_liability' || day === '2027-01-20')
    .map(({ day, line, amount }) => [day, line, amount].join(' '));
  expect(lines).toEqual([
    '2027-01-15 credit_lent 5000',
    '2027-01-15 credit_returned 20000',
    '2027-01-15 credit_spent 20000',
    '2027-01-15 credit_topped_up 90000',
    '2027-01-15 debt 20000',
    '2027-01-15 settled 110000',
    '2027-01-20 credit_liability 65000',
    '2027-01-20 settled 20000',
  ]);
});
