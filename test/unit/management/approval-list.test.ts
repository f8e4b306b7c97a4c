import { beforeEach, describe, expect, test } from 'vitest';
import { approvalHandlers, listApprovals } from '../../../src/management/approval.ts';
import { APPROVAL_ROUTES } from '../../../src/management/approval.route.ts';
import type { AdminRequest } from '../../../src/management/handler.ts';
import type { AccountId } from '../../../src/protocol/account-id.ts';
import type { EntryBody } from '../../../src/protocol/entry.ts';
import { countedDatabase } from '../../scale/counted-database.ts';
import { db, freshDatabase } from '../audit/database.ts';
import { accepted, accountOf, MALLORY, START } from '../audit/history.ts';
import { happen, named, valueOf, walk } from './walk.ts';

const [OWNER, MANAGER, AGENT, OTHER] = [accountOf(1), accountOf(2), accountOf(3), accountOf(4)];

const taken = (...above: readonly AccountId[]): EntryBody => ({
  ...{ type: 'grant.taken', at: START },
  outcome: { above: [...above] },
});
const parked = (call: number): EntryBody => ({
  ...accepted(call, START + call),
  ...{ type: 'call.parked', decision: 'wait', rule: 'approval' },
  outcome: { until: START + 600, asked: OWNER, above: '1', approver: OWNER },
});

beforeEach(freshDatabase);

describe('the calls of a tree that wait for a person', () => {
  const shown = async (account: AccountId, reader: AccountId) => {
    const tree = { account, reader };
    return named((await valueOf(listApprovals(db, { tree, limit: 10 }))).items);
  };

  test('are those of the account and of its descendants, oldest first', async () => {
    await happen(OWNER, [parked(2)]);
    await happen(MANAGER, [taken(OWNER), parked(3)]);
    await happen(AGENT, [taken(MANAGER, OWNER), parked(1)]);
    await happen(MALLORY, [parked(4)]);
    expect(await shown(OWNER, OWNER)).toEqual([1, 2, 3]);
    expect(await shown(MANAGER, OWNER)).toEqual([1, 3]);
    expect(await shown(AGENT, AGENT)).toEqual([1]);
  });

  test('leave out an account that has left the tree, also with the calls it makes afterwards', async () => {
    await happen(AGENT, [taken(OWNER), parked(1), taken(OTHER), parked(2)]);
    expect(await shown(OWNER, OWNER)).toEqual([]);
    expect(await shown(OTHER, OTHER)).toEqual([1, 2]);
  });

  test('leave out for a new ancestor what came with its parent, and show it to an operator', async () => {
    await happen(MANAGER, [taken(OTHER), taken(OWNER), parked(1)]);
    await happen(AGENT, [taken(MANAGER, OTHER), parked(2)]);
    const answerTo = async (role: 'operator' | 'owner') => {
      const answer = await approvalHandlers['account.approvals']({
        context: { db, auditQueue: { metrics: async () => ({}) } },
        by: { account: OWNER, role },
        params: { account: MANAGER },
        query: { limit: 10 },
        request: new Request('https://gateway.example/'),
        now: START + 60,
      } as unknown as AdminRequest<'account.approvals'>);
      if (!answer.ok) throw new Error(answer.error.reason);
      const body: unknown = await answer.value.json();
      return named(APPROVAL_ROUTES['account.approvals'].answer.parse(body).items);
    };
    expect(await answerTo('owner')).toEqual([1]);
    expect(await answerTo('operator')).toEqual([1, 2]);
  });
});

describe('the list of a tree', () => {
  const used = async (account: AccountId, from: number, to: number) =>
    db
      .prepare(
        `INSERT INTO approvals (account, call, seq, parked_at, until, state, tool, request, asset, price, asked, above, policy, approver)
         WITH RECURSIVE n(i) AS (SELECT ?2 UNION ALL SELECT i + 1 FROM n WHERE i < ?3)
         SELECT ?1, CAST(i AS INTEGER), 1, CAST(i AS INTEGER) / 10, CAST(i AS INTEGER), 'used', '', '', '', 0, '', 0, '', 'operator' FROM n`,
      )
      .bind(account, from, to)
      .run();
  const tree = { account: OWNER, reader: OWNER };

  test('has the same pages however many calls of others there are, and reads a bounded number of them', async () => {
    await happen(AGENT, [taken(OWNER)]);
    await used(OWNER, 15, 17);
    await used(AGENT, 11, 16);
    const pages = async () => {
      let rowsRead = 0;
      const counted = countedDatabase(db, (ran) => (rowsRead += ran.rowsRead));
      const cursors: string[] = [];
      const found = await walk((page) => {
        if (page.after !== undefined) cursors.push(page.after);
        return listApprovals(counted, { tree, state: 'used', ...page });
      }, 4);
      expect(rowsRead).toBeLessThan(3 * 2_100);
      return { found: found.map(({ account, call }) => [account, Number(call)]), cursors };
    };
    const alone = await pages();
    const inOrder = [11, 12, 13, 14, 15, 16].map((call) => [AGENT, call]);
    expect(alone.found).toEqual(
      [...inOrder, ...[15, 16, 17].map((call) => [OWNER, call])].toSorted(
        ([a = '', one = 0], [b = '', other = 0]) =>
          Math.trunc(Number(one) / 10) - Math.trunc(Number(other) / 10) ||
          (a < b ? -1 : a > b ? 1 : Number(one) - Number(other)),
      ),
    );
    expect(alone.cursors).toHaveLength(2);
    for (const [from, to] of [
      [1, 500],
      [501, 12_000],
    ] as const) {
      await used(MALLORY, from, to);
      expect(await pages()).toEqual(alone);
    }
  });
});
