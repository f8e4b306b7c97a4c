import { beforeEach, expect, test } from 'vitest';
import { dayOf } from '../../../src/audit/day.ts';
import { listApprovals } from '../../../src/management/approval.ts';
import { newestCalls } from '../../../src/management/newest-calls.ts';
import { readOverview } from '../../../src/management/overview.ts';
import { spendRanking, spendReport } from '../../../src/management/spend-query.ts';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import type { EntryBody } from '../../../src/protocol/entry.ts';
import { db, freshDatabase } from '../audit/database.ts';
import { accepted, accountOf, committed, denied, START } from '../audit/history.ts';
import { runs } from '../../support/runs.ts';
import { type Roll, rolls } from './random-tree.ts';
import { happen, named, valueOf, walk } from './walk.ts';

/* Random trees whose accounts move, are cut off and come back, compared with a model that keeps every past tree. */

const OWNERS = [accountOf(1), accountOf(2)] as const;
const MANAGERS = [accountOf(3), accountOf(4)] as const;
const AGENTS = [accountOf(5), accountOf(6), accountOf(7)] as const;
const ALL: readonly AccountId[] = [...OWNERS, ...MANAGERS, ...AGENTS];
const TODAY = dayOf(START);

/** What an account did while it had the ancestors `above`. */
type Deed = {
  readonly above: readonly AccountId[];
  readonly calls: number;
  readonly denials: number;
};
type Life = {
  readonly account: AccountId;
  readonly deeds: readonly Deed[];
  /** The account's current ancestors. */
  readonly above: readonly AccountId[];
  readonly label?: string;
  readonly calls: readonly number[];
  readonly waiting: readonly number[];
};

/** Simulates an account and writes its log. `lineages`: the chains of ancestors from which it may take a grant. */
const live = async (
  account: AccountId,
  lineages: readonly (readonly AccountId[])[],
  roll: Roll,
  nextCall: () => number,
): Promise<Life> => {
  const bodies: EntryBody[] = [];
  const deeds: Deed[] = [];
  const calls: number[] = [];
  const waiting: number[] = [];
  let above: readonly AccountId[] = [];
  let label: string | undefined;
  for (let step = roll(14); step >= 0; step -= 1) {
    const [call, what] = [nextCall(), roll(lineages.length === 0 ? 4 : 7)];
    // The account learns that its manager was cut off. Its next entry, of whatever type, names the remaining ancestors.
    const isCutOff = what < 4 && above.length > 1 && roll(4) === 0;
    if (isCutOff) above = above.slice(1);
    const body = (plain: EntryBody): EntryBody =>
      isCutOff ? { ...plain, outcome: { ...plain.outcome, ancestors: [...above] } } : plain;
    if (what < 2) {
      // The call is accepted and ends. The first of the two entries names the ancestors.
      bodies.push(body(accepted(call, START + call)), committed(call, START + call));
      calls.push(call);
      deeds.push({ above, calls: 1, denials: 0 });
    } else if (what === 2) {
      bodies.push(body({ ...denied(call), count: 1 }));
      deeds.push({ above, calls: 0, denials: 1 });
    } else if (what === 3) {
      label = `label ${call}`;
      bodies.push(body({ type: 'account.label', at: START, outcome: { label } }));
    } else if (what === 4) {
      bodies.push({
        ...accepted(call, START + call),
        ...{ type: 'call.parked', decision: 'wait', rule: 'approval' },
        outcome: { until: START + 9_000, asked: OWNERS[0], above: '1', approver: OWNERS[0] },
      });
      waiting.push(call);
    } else {
      above = lineages[roll(lineages.length)] ?? [];
      bodies.push({ type: 'grant.taken', at: START, outcome: { above: [...above] } });
    }
  }
  await happen(account, bodies, 1 + roll(5));
  return { account, deeds, above, calls, waiting, ...(label === undefined ? {} : { label }) };
};

const liveAll = async (roll: Roll): Promise<readonly Life[]> => {
  let call = 0;
  const next = () => (call += 1);
  const upper = OWNERS.map((owner) => [owner]);
  const lower = MANAGERS.flatMap((manager) => OWNERS.map((owner) => [manager, owner]));
  const lives: Life[] = [];
  for (const account of OWNERS) lives.push(await live(account, [], roll, next));
  for (const account of MANAGERS) lives.push(await live(account, upper, roll, next));
  for (const account of AGENTS) lives.push(await live(account, [...upper, ...lower], roll, next));
  return lives;
};

/** The pairs of a reader and a tree: each account reads its own tree, and each current ancestor reads its descendant's tree. */
const readings = (lives: readonly Life[]) =>
  lives.flatMap(({ account: scope, above }) =>
    [scope, ...above].map((reader) => ({ scope, reader })),
  );

type Reading = ReturnType<typeof readings>[number];

/** The deeds of an account that belong to a reading. */
const deedsIn = ({ scope, reader }: Reading, { account, deeds }: Life): readonly Deed[] =>
  account === scope
    ? deeds
    : deeds.filter(
        ({ above }) => above.includes(scope) && (reader === scope || above.includes(reader)),
      );

const isBelowNow = ({ scope, reader }: Reading, { account, above }: Life): boolean =>
  account === scope || (above.includes(scope) && (reader === scope || above.includes(reader)));

const sumOf = (deeds: readonly Deed[]) => ({
  calls: deeds.reduce((sum, { calls }) => sum + calls, 0),
  denials: deeds.reduce((sum, { denials }) => sum + denials, 0),
});

type Row = {
  readonly key: string;
  readonly label?: string;
  readonly calls: bigint | number;
  readonly denied: bigint | number;
};

const totalOf = (rows: readonly Row[]) => ({
  calls: rows.reduce((sum, { calls }) => sum + Number(calls), 0),
  denials: rows.reduce((sum, { denied: count }) => sum + Number(count), 0),
});

/** The sum and the label of each account, without accounts that did nothing. */
const byAccount = (rows: readonly Row[]) =>
  Object.fromEntries(
    [...Map.groupBy(rows, ({ key }) => key)].map(([key, found]) => [
      key,
      { ...totalOf(found), label: found[0]?.label },
    ]),
  );

const expectReading = async (lives: readonly Life[], reading: Reading): Promise<void> => {
  const { scope, reader } = reading;
  const whose = { scope, reader: reader === scope ? undefined : reader };
  const range = { ...whose, from: TODAY, to: TODAY };
  const own = lives.map((life) => ({ life, deeds: deedsIn(reading, life) }));
  const total = sumOf(own.flatMap(({ deeds }) => deeds));
  const expected = Object.fromEntries(
    own
      .filter(({ deeds }) => deeds.length > 0)
      .map(({ life, deeds }) => [
        life.account,
        { ...sumOf(deeds), label: isBelowNow(reading, life) ? life.label : undefined },
      ]),
  );
  for (const by of ['day', 'tool', 'payee'] as const) {
    const rows = await walk((page) => spendReport(db, { ...range, by, ...page }), 3);
    expect(totalOf(rows)).toEqual(total);
  }
  const rules = await walk((page) => spendReport(db, { ...range, by: 'rule', ...page }), 3);
  expect(totalOf(rules)).toEqual({ calls: 0, denials: total.denials });
  const listed = await walk((page) => spendReport(db, { ...range, by: 'account', ...page }), 2);
  expect(byAccount(listed)).toEqual(expected);
  const [charged, refused] = await Promise.all(
    (['charged', 'denied'] as const).map(async (order) =>
      totalOf((await valueOf(spendRanking(db, { ...range, by: 'account' }, order, 50))).items),
    ),
  );
  expect([charged, refused]).toEqual([
    { calls: total.calls, denials: 0 },
    { calls: 0, denials: total.denials },
  ]);
  for (const { life, deeds } of own) {
    const { account } = life;
    const rows = await walk(
      (page) => spendReport(db, { ...range, account, by: 'day', ...page }),
      3,
    );
    expect(totalOf(rows)).toEqual(sumOf(deeds));
  }
  const { days, accounts } = await valueOf(readOverview(db, whose, TODAY, 7));
  expect('items' in days && totalOf(days.items)).toEqual(total);
  expect('items' in accounts && totalOf(accounts.items).calls).toBe(total.calls);
  const now = lives.filter((life) => isBelowNow(reading, life));
  const newest = await valueOf(newestCalls(db, scope, reader, { limit: 500 }));
  expect(named(newest.items).toSorted((one, other) => one - other)).toEqual(
    now.flatMap(({ calls }) => calls).toSorted((one, other) => one - other),
  );
  const tree = { account: scope, reader };
  const waiting = await walk((page) => listApprovals(db, { tree, ...page }), 2);
  expect(named(waiting)).toEqual(now.flatMap((life) => life.waiting).toSorted((a, b) => a - b));
};

beforeEach(freshDatabase);

test.each(Array.from({ length: runs(6, 2) }, (_, at) => at + 1))(
  'each reader sees what was below it at the time, and lists of what is below it now (tree %i)',
  async (seed) => {
    const lives = await liveAll(rolls(seed));
    for (const reading of readings(lives)) await expectReading(lives, reading);
    expect(lives.map(({ account }) => account)).toEqual(ALL);
  },
  120_000,
);
