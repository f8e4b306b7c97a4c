import { beforeEach, describe, expect, test } from 'vitest';
import { dayOf } from '../../../src/audit/day.ts';
import type { AdminRequest } from '../../../src/management/handler.ts';
import { readOverview } from '../../../src/management/overview.ts';
import { spendRanking, spendReport } from '../../../src/management/spend-query.ts';
import { spendHandlers } from '../../../src/management/spend.ts';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import type { EntryBody } from '../../../src/protocol/entry.ts';
import { db, freshDatabase } from '../audit/database.ts';
import { accepted, accountOf, committed, MALLORY, START } from '../audit/history.ts';
import { happen, valueOf, walk } from './walk.ts';

const [FORMER, OWNER, MANAGER, OLD, NEW] = [1, 2, 3, 4, 5].map(accountOf) as [
  ...[AccountId, AccountId, AccountId, AccountId, AccountId],
];
const taken = (...above: readonly AccountId[]): EntryBody => ({
  ...{ type: 'grant.taken', at: START },
  outcome: { above: [...above] },
});
const label = (text: string): EntryBody => ({
  ...{ type: 'account.label', at: START },
  outcome: { label: text },
});
const spent = (call: number): readonly EntryBody[] => [accepted(call), committed(call)];
const TODAY = dayOf(START);
const range = { scope: MANAGER, from: TODAY, to: TODAY } as const;

beforeEach(async () => {
  await freshDatabase();
  await happen(MANAGER, [taken(FORMER), ...spent(1), taken(OWNER), ...spent(2)]);
  // The account became a child of its manager only later.
  await happen(OLD, [
    ...[taken(MANAGER, FORMER), ...spent(3), ...spent(4)],
    ...[taken(MANAGER, OWNER), ...spent(5)],
  ]);
  await happen(accountOf(6), [taken(MANAGER, FORMER), ...spent(6), label('Secret plan')]);
  await happen(NEW, [taken(MANAGER, OWNER), ...spent(7), label('Crawler')]);
});

describe('a new ancestor of a manager that has moved', () => {
  const reads = { ...range, reader: OWNER } as const;
  const own = { [MANAGER]: 2n, [OLD]: 1n, [NEW]: 1n };
  const counts = (items: readonly { readonly key: string; readonly calls: bigint }[]) =>
    Object.fromEntries(items.map(({ key, calls }) => [key, calls]));

  test('reads what the accounts below spent since they are below it', async () => {
    const byAccount = await walk(
      (page) => spendReport(db, { ...reads, by: 'account', ...page }),
      1,
    );
    expect(counts(byAccount)).toEqual(own);
    const ranked = await valueOf(spendRanking(db, { ...reads, by: 'account' }, 'charged', 10));
    expect(counts(ranked.items)).toEqual(own);
    expect(ranked.of).toBe(3);
    const byDay = await valueOf(spendReport(db, { ...reads, by: 'day', limit: 10 }));
    expect(counts(byDay.items)).toEqual({ [TODAY]: 4n });
    const alone = await valueOf(spendReport(db, { ...reads, by: 'day', account: OLD, limit: 10 }));
    expect(counts(alone.items)).toEqual({ [TODAY]: 1n });
  });

  test('reads the same in the overview', async () => {
    const read = await valueOf(readOverview(db, { scope: MANAGER, reader: OWNER }, TODAY, 7));
    const items = (ranking: typeof read.days) => ('items' in ranking ? ranking.items : []);
    expect(items(read.days).map(({ calls }) => calls)).toEqual([4]);
    expect(items(read.tools).map(({ calls }) => calls)).toEqual([4]);
    expect(Object.fromEntries(items(read.accounts).map(({ key, calls }) => [key, calls]))).toEqual({
      [MANAGER]: 2,
      [OLD]: 1,
      [NEW]: 1,
    });
  });

  test('gets no cursor that names an account which never was below it', async () => {
    // A page over many days scans ten accounts.
    for (let at = 20; at < 32; at += 1) await happen(accountOf(at), [taken(MANAGER, FORMER)]);
    const { next } = await valueOf(
      spendReport(db, { ...reads, from: '1990-01-01', by: 'account', limit: 10 }),
    );
    expect(next).toBeUndefined();
  });
});

test('the manager itself reads all that its tree ever spent', async () => {
  const { items } = await valueOf(spendReport(db, { ...range, by: 'day', limit: 10 }));
  expect(items.map(({ calls }) => calls)).toEqual([7n]);
});

test('an ancestor sees the label of an account in the scope of a moved manager only if it is its ancestor too', async () => {
  await happen(accountOf(7), [
    ...[taken(MANAGER, OWNER), ...spent(8)],
    ...[taken(MANAGER, FORMER), label('Left with the manager')],
  ]);
  const { items } = await valueOf(
    spendReport(db, { ...range, reader: OWNER, by: 'account', limit: 10 }),
  );
  const labels = Object.fromEntries(items.map(({ key, label: name }) => [key, name]));
  expect(labels).toMatchObject({ [NEW]: 'Crawler', [accountOf(7)]: undefined });
});

describe('the spend of one account in a tree', () => {
  const answerTo = async (
    by: AccountId,
    account: AccountId,
    role: 'owner' | 'operator' = 'owner',
  ): Promise<number | string> => {
    const answer = await spendHandlers['account.spend']({
      context: { db, auditQueue: { metrics: async () => ({}) } },
      by: { account: by, role },
      params: { account: MANAGER },
      query: { from: TODAY, to: TODAY, by: 'day', account, limit: 10 },
      request: new Request('https://gateway.example/'),
      now: START,
    } as unknown as AdminRequest<'account.spend'>);
    if (!answer.ok) return answer.error.reason;
    const body = (await answer.value.json()) as { readonly items: readonly { calls: number }[] };
    return body.items.reduce((sum, { calls }) => sum + calls, 0);
  };

  test('is refused for an account that was never in it, as for one that does not exist', async () => {
    await happen(MALLORY, spent(9));
    const unknown = accountOf(99);
    for (const account of [MALLORY, FORMER, unknown]) {
      expect(await answerTo(MANAGER, account)).toBe('unknown_account');
      expect(await answerTo(OWNER, account)).toBe('unknown_account');
      expect(await answerTo(MALLORY, account, 'operator')).toBe('unknown_account');
    }
  });

  test('is refused to an ancestor of the manager that never was one of the account', async () => {
    expect(await answerTo(MANAGER, accountOf(6))).toBe(1);
    expect(await answerTo(OWNER, accountOf(6))).toBe('unknown_account');
    expect(await answerTo(MALLORY, accountOf(6), 'operator')).toBe(1);
  });

  test('has what an account spent that has left', async () => {
    await happen(accountOf(7), [taken(MANAGER, OWNER), ...spent(8), taken(FORMER), ...spent(9)]);
    expect(await answerTo(MANAGER, accountOf(7))).toBe(1);
  });

  test('has the own spend of the scope', async () => {
    expect(await answerTo(OWNER, MANAGER)).toBe(2);
  });
});
