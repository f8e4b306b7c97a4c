import fc from 'fast-check';
import { expect, test } from 'vitest';
import { runArchive } from '../../src/audit/archive/run-archive.ts';
import { type Day, dayOf, daysAfter, startOf } from '../../src/audit/day.ts';
import {
  ENDED_LINES,
  readEndedPayments,
  readEndedTotals,
} from '../../src/dashboard/data/money/ended-payments.ts';
import {
  type EarnedFilter,
  isWhole,
  readEarned,
  sumOfDays,
  sumOfEarned,
} from '../../src/dashboard/data/money/earned.ts';
import { totalsOf } from '../../src/dashboard/data/overview/period-totals.ts';
import { sumsOf } from '../../src/dashboard/data/money/sums.ts';
import { listCalls } from '../../src/management/call-list.ts';
import { spentOf } from '../../src/management/call.ts';
import { listChargeChanges } from '../../src/management/charge-change.ts';
import { type EntryFilter, listEntries } from '../../src/management/entry-list.ts';
import { readOverview } from '../../src/management/overview.ts';
import { listSettlements } from '../../src/management/settlement-list.ts';
import { spendReport } from '../../src/management/spend-query.ts';
import type { SpendItem, SpendRange } from '../../src/management/spend-range.ts';
import type { AccountId, AssetId } from '../../src/protocol/account-id.ts';
import type { EntryBody } from '../../src/protocol/entry.ts';
import { bucket, freshArchive, openChains, openDeps } from '../unit/audit/archive/archive-world.ts';
import { db } from '../unit/audit/database.ts';
import { accountOf } from '../unit/audit/history.ts';
import { bodies, everyLife } from '../unit/audit/random-history.ts';
import { handlerClient } from '../unit/management/handler-client.ts';
import { valueOf, walk } from '../unit/management/walk.ts';
import { runsOf } from './runs.ts';

/*
 * Every total of the dashboard must equal the sum of the list that it links to (docs/dashboard.md), even if R2 has some of the list's rows.
 */

const LIMIT = 7;
const page = handlerClient(LIMIT);
const SEPOLIA_USDC = 'eip155:84532/erc20:0x036cbd53842c5426634e7929541ec2318f3dcf7e';
const HOUR = 3_600;
type Scope = AccountId | '*';

const report = (range: SpendRange): Promise<SpendItem[]> =>
  walk((page) => spendReport(db, { ...range, ...page }), LIMIT);

/** Sums by name, without those that are zero. */
const sums = <T>(
  items: readonly T[],
  nameOf: (item: T) => string,
  amountOf: (item: T) => bigint | number,
): Record<string, bigint> => {
  const found = new Map<string, bigint>();
  for (const item of items) {
    const name = nameOf(item);
    found.set(name, (found.get(name) ?? 0n) + BigInt(amountOf(item)));
  }
  return Object.fromEntries(
    [...found].filter(([, sum]) => sum !== 0n).toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
};

const added = (...all: readonly Record<string, bigint>[]): Record<string, bigint> =>
  sums(
    all.flatMap((each) => Object.entries(each)),
    ([name]) => name,
    ([, sum]) => sum,
  );

type Facts = {
  readonly tool?: string | undefined;
  readonly payee?: string | undefined;
  readonly asset?: string | undefined;
  readonly state?: 'failed' | undefined;
};

/** The rows that make up the spend of a day: the calls that ended on it, and the charges that changed on it. */
const rowsBehind = async (scope: Scope, day: Day, facts: Facts) => {
  const [from, to] = [startOf(day), startOf(daysAfter(day, 1))];
  const account = scope === '*' ? undefined : scope;
  const calls = await walk(
    (page) => listCalls(db, { ...facts, account, endedFrom: from, endedTo: to, ...page }, bucket),
    LIMIT,
  );
  const changes = await walk(
    (page) => listChargeChanges(db, { ...facts, account, from, to, ...page }),
    LIMIT,
  );
  return { calls, changes };
};

const expectSpend = async (scope: Scope, day: Day, facts: Facts): Promise<void> => {
  const range = { ...facts, scope, from: day, to: day } as const;
  const own = scope === '*' ? range : { ...range, account: scope };
  const total = (await report({ ...own, by: 'tool' })).filter(({ asset }) => asset !== '');
  const { calls, changes } = await rowsBehind(scope, day, facts);
  const assetOf = ({ asset }: { readonly asset?: string }) => asset ?? '';
  expect(sums(total, assetOf, ({ charged }) => charged)).toEqual(
    added(
      sums(calls, assetOf, (call) => spentOf(call) ?? 0n),
      sums(changes, assetOf, ({ amount }) => amount),
    ),
  );
  expect(sums(total, assetOf, (each) => each.calls)).toEqual(sums(calls, assetOf, () => 1n));
  const { calls: failed } = await rowsBehind(scope, day, { ...facts, state: 'failed' });
  expect(sums(total, assetOf, (each) => each.failed)).toEqual(sums(failed, assetOf, () => 1n));
};

/** Expects that the earnings of all accounts equal the rows of the page `/earned`, read as the page reads them. */
const expectEarned = async (filter: EarnedFilter): Promise<void> => {
  const { days, rows } = await readEarned(page, filter);
  if (rows === undefined || !isWhole(rows)) throw new Error('The page shows a part of the rows.');
  expect(sumOfEarned(rows)).toEqual(sumOfDays(days));
};

/** Expects that each line of the books equals the payments that the settlements page opens for it. */
const expectEnded = async (period: Whole): Promise<void> => {
  const totals = await readEndedTotals(page, period);
  for (const line of ENDED_LINES) {
    const { items, isMore } = await readEndedPayments(page, { ...period, line });
    expect(isMore).toBe(false);
    const sums = sumsOf(items, ({ amount }) => amount);
    expect({ line, count: items.length, sums }).toEqual({ line, ...totals[line] });
  }
};

/** The denial entries of an account, read page by page. */
const deniedIn = async (account: AccountId, filter: EntryFilter) => {
  const entries = [];
  let after: number | undefined;
  do {
    const request = { ...filter, limit: LIMIT, after, type: 'call.denied' } as const;
    const page = await valueOf(listEntries(db, account, request, bucket));
    entries.push(...page.items);
    after = page.next;
  } while (after !== undefined);
  return entries;
};

/** Expects that an account's denials by rule, tool and day equal the counts of the entries with the same filter. */
const expectDenialsOf = async (account: AccountId, whole: Whole): Promise<void> => {
  const range = { ...whole, scope: account, account } as const;
  const found = await report({ ...range, by: 'tool', and: 'rule' });
  const kinds = found.filter(({ denied }) => denied > 0n);
  for (const { key: tool, and: rule } of [...kinds, { key: 'other', and: 'none' }]) {
    const days = await report({ ...range, tool, rule, by: 'day' });
    const dates = new Set([...days.map(({ key }) => key as Day), whole.from, whole.to]);
    for (const day of dates) {
      const [from, to] = [startOf(day), startOf(daysAfter(day, 1))];
      const entries = await deniedIn(account, { tool, rule, from, to });
      const total = days.filter(({ key }) => key === day);
      expect(entries.reduce((sum, { count = 1 }) => sum + BigInt(count), 0n)).toBe(
        total.reduce((sum, { denied }) => sum + denied, 0n),
      );
    }
  }
};

const expectDenials = async (accounts: readonly AccountId[], whole: Whole): Promise<void> => {
  const all = await report({ ...whole, scope: '*', by: 'account', and: 'rule' });
  const entries = (await Promise.all(accounts.map((each) => deniedIn(each, {})))).flat();
  expect(
    sums(
      all,
      ({ key, and }) => `${key} ${and}`,
      ({ denied }) => denied,
    ),
  ).toEqual(
    sums(
      entries,
      ({ account, rule }) => `${account} ${rule}`,
      ({ count = 1 }) => count,
    ),
  );
  const byRule = await report({ ...whole, scope: '*', by: 'rule', and: 'day' });
  expect(
    sums(
      byRule,
      ({ key, and }) => `${key} ${and}`,
      ({ denied }) => denied,
    ),
  ).toEqual(
    sums(
      entries,
      ({ rule, at }) => `${rule} ${dayOf(at)}`,
      ({ count = 1 }) => count,
    ),
  );
  const total = await report({ ...whole, scope: '*', by: 'day' });
  expect(
    sums(
      total,
      ({ key }) => key,
      ({ denied }) => denied,
    ),
  ).toEqual(
    sums(
      byRule,
      ({ and = '' }) => and,
      ({ denied }) => denied,
    ),
  );
};

type Whole = { readonly from: Day; readonly to: Day };

/** Expects that a report by one key equals the reports by account, by two keys, and of each account alone. */
const expectBreakdowns = async (scope: Scope, whole: Whole): Promise<void> => {
  const range = { ...whole, scope };
  const nameOf = ({ key, asset }: SpendItem) => `${key} ${asset}`;
  const amounts = ['charged', 'calls', 'denied', 'failed'] as const;
  const [byTool, byDay, byBoth, byAccount] = await Promise.all([
    report({ ...range, by: 'tool' }),
    report({ ...range, by: 'day' }),
    report({ ...range, by: 'tool', and: 'day' }),
    report({ ...range, by: 'account' }),
  ]);
  for (const amount of amounts) {
    const of = (item: SpendItem) => item[amount];
    const assetOf = ({ asset }: SpendItem) => asset;
    expect(sums(byBoth, nameOf, of)).toEqual(sums(byTool, nameOf, of));
    expect(sums(byBoth, ({ and, asset }) => `${and} ${asset}`, of)).toEqual(
      sums(byDay, nameOf, of),
    );
    expect(sums(byAccount, assetOf, of)).toEqual(sums(byDay, assetOf, of));
    const alone = await Promise.all(
      [...new Set(byAccount.map(({ key }) => key as AccountId))].map(async (account) =>
        (await report({ ...range, account, by: 'day' })).map((item) => ({ ...item, key: account })),
      ),
    );
    expect(sums(alone.flat(), nameOf, of)).toEqual(sums(byAccount, nameOf, of));
  }
};

/** Expects that the overview's figures equal the reports and lists that they link to. */
const expectOverview = async (scope: Scope, today: Day): Promise<void> => {
  const overview = await valueOf(readOverview(db, { scope }, today, 30));
  const range = { scope, from: overview.from, to: today } as const;
  const items = (ranking: (typeof overview)['days']) => ('items' in ranking ? ranking.items : []);
  const days = await report({ ...range, from: daysAfter(today, -59), by: 'day' });
  const body = (each: readonly SpendItem[]) =>
    sums(
      each,
      ({ key, asset }) => `${key} ${asset}`,
      ({ charged }) => charged,
    );
  const shown = (each: ReturnType<typeof items>) =>
    sums(
      each,
      ({ key, asset = '' }) => `${key} ${asset}`,
      ({ charged }) => BigInt(charged),
    );
  expect(shown(items(overview.days))).toEqual(body(days));
  // There are fewer tools and accounts than places in the overview's ranking.
  expect(shown(items(overview.tools))).toEqual(body(await report({ ...range, by: 'tool' })));
  expect(shown(items(overview.accounts))).toEqual(body(await report({ ...range, by: 'account' })));
  const rules = await report({ ...range, by: 'rule' });
  expect(
    sums(
      items(overview.rules),
      ({ key }) => key,
      ({ denied }) => denied,
    ),
  ).toEqual(
    sums(
      rules,
      ({ key }) => key,
      ({ denied }) => denied,
    ),
  );
  for (const { from, to, asset, calls, charged } of totalsOf(overview)) {
    const spent = await report({ scope, from, to, asset, by: 'day' });
    expect(BigInt(calls)).toBe(spent.reduce((sum, row) => sum + row.calls, 0n));
    expect(charged).toBe(spent.reduce((sum, row) => sum + row.charged, 0n));
  }
  if (scope !== '*') return;
  for (const { from, to, asset, earned } of totalsOf(overview)) {
    const read = await readEarned(page, { from, to, asset: asset as AssetId });
    expect(earned).toBe(sumOfDays(read.days).get(asset) ?? 0n);
  }
  for (const state of ['open', 'kept'] as const) {
    const waiting = overview[state] ?? [];
    const rows = await walk((page) => listSettlements(db, { state, ...page }), LIMIT);
    const assetOf = ({ asset }: { readonly asset?: string }) => asset ?? '';
    expect(sums(waiting, assetOf, ({ count }) => count)).toEqual(sums(rows, assetOf, () => 1));
    expect(sums(waiting, assetOf, ({ amount }) => BigInt(amount))).toEqual(
      sums(rows, assetOf, ({ amount }) => amount ?? 0n),
    );
  }
};

/** Agents with numbers that no ancestor in the histories has, so that no account is its own ancestor. */
const agentOf = (nth: number): AccountId => accountOf(nth + 10);

const histories = fc.record({
  bodies: fc.array(bodies, { minLength: 1, maxLength: 2 }),
  step: fc.integer({ min: 1, max: 12 }),
  /** Seconds after the last entry at which the archive runs, so that it moves some or all of the ended calls. 0: it never runs. */
  later: fc.constantFrom(0, 26 * HOUR, 96 * HOUR),
});

const store = async (
  histories_: readonly (readonly EntryBody[])[],
  step: number,
): Promise<{ readonly accounts: readonly AccountId[]; readonly times: readonly number[] }> => {
  const chains = openChains();
  for (const [nth, list] of histories_.entries()) {
    for (let from = 0; from < list.length; from += step) {
      const known = list.slice(0, from + step);
      await chains.store(
        agentOf(nth),
        known.slice(from),
        Math.max(...known.map(({ at }) => at)) + 1,
      );
    }
  }
  return {
    accounts: histories_.map((_, nth) => agentOf(nth)),
    times: histories_.flat().map(({ at }) => at),
  };
};

test('every total equals the sum of the rows behind it', async () => {
  const seen = { archived: 0, changes: 0, late: 0, earned: 0, unsettled: 0 };
  await fc.assert(
    fc.asyncProperty(histories, async ({ bodies: lists, step, later }) => {
      await freshArchive();
      const given = lists.filter(({ length }) => length > 0);
      if (given.length === 0) return;
      const { accounts, times } = await store(given, step);
      const last = Math.max(...times);
      const { deps } = openDeps(1);
      for (let run = 0; run < (later === 0 ? 0 : 12); run += 1)
        await runArchive(deps, last + later + run * 900);
      const days = [...new Set(times.map(dayOf))];
      const whole = { from: dayOf(Math.min(...times)), to: dayOf(last) };
      for (const day of days) {
        await expectSpend('*', day, {});
        await expectEarned({ from: day, to: day });
        await expectEnded({ from: day, to: day });
      }
      const [first = whole.from] = days;
      await expectEnded(whole);
      for (const facts of [{}, { tool: 'lookup' }, { asset: SEPOLIA_USDC }]) {
        await expectEarned({ ...whole, ...facts });
      }
      for (const facts of [{ tool: 'lookup' }, { payee: `0x${'0f'.repeat(20)}` }]) {
        await expectSpend('*', first, facts);
        await expectSpend(accounts[0] as AccountId, first, facts);
      }
      for (const account of accounts) await expectSpend(account, first, {});
      await expectDenials(accounts, whole);
      for (const account of accounts) await expectDenialsOf(account, whole);
      const scopes = ['*', ...accounts, accountOf(3)] as const;
      for (const scope of scopes) await expectBreakdowns(scope, whole);
      await expectOverview('*', whole.to);
      await expectOverview(accounts[0] as AccountId, whole.to);
      seen.archived += (await bucket.list({ prefix: 'calls/' })).objects.length;
      for (const [name, sql] of [
        ['changes', 'SELECT count(*) AS n FROM charge_changes'],
        [
          'late',
          'SELECT count(*) AS n FROM calls INDEXED BY calls_ended_late WHERE ended_at NOT BETWEEN accepted_at AND accepted_at + 86400',
        ],
        [
          'unsettled',
          "SELECT count(*) AS n FROM archived_books WHERE line IN ('write_off', 'debt', 'released')",
        ],
        ['earned', 'SELECT count(*) AS n FROM spend WHERE earned > 0'],
      ] as const) {
        seen[name] += (await db.prepare(sql).first<number>('n')) ?? 0;
      }
    }),
    {
      numRuns: runsOf(30),
      endOnFailure: true,
      examples: [0, 26, 200].map((hours) => [
        { bodies: [everyLife()], step: 9, later: hours * HOUR },
      ]),
    },
  );
  console.log(JSON.stringify(seen));
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(0);
});
