import { beforeEach, describe, expect, test } from 'vitest';
import { type AccountItem, listAccounts } from '../../../src/management/account.ts';
import type { EntryBody } from '../../../src/protocol/entry.ts';
import { db, freshDatabase } from '../audit/database.ts';
import { accountOf, START } from '../audit/history.ts';
import { happen, valueOf, walk } from './walk.ts';

beforeEach(freshDatabase);

describe('accounts', () => {
  const [root, owner, first, second] = [1, 2, 3, 4].map(accountOf) as [
    ReturnType<typeof accountOf>,
    ReturnType<typeof accountOf>,
    ReturnType<typeof accountOf>,
    ReturnType<typeof accountOf>,
  ];
  const taken = (...above: string[]): EntryBody => ({
    type: 'grant.taken',
    at: START,
    outcome: { above },
  });
  const status = (decision: string, side: string): EntryBody => ({
    type: 'account.status',
    at: START,
    decision,
    outcome: { side },
  });
  const label = (text: string | null): EntryBody => ({
    type: 'account.label',
    at: START,
    outcome: { label: text },
    evidence: { role: 'operator' },
  });

  beforeEach(async () => {
    await happen(root, [label('Head office')]);
    await happen(owner, [taken(root), status('paused', 'owner')]);
    await happen(first, [taken(owner, root), label('Crawler'), status('frozen', 'operator')], 1);
    await happen(second, [taken(owner, root), label('crawler two'), label('Reader')]);
  });

  const names = (items: readonly AccountItem[]) =>
    items.map(({ account }) => [root, owner, first, second].indexOf(account));

  test.each([
    [{}, [0, 1, 2, 3]],
    [{ parent: owner }, [2, 3]],
    [{ parent: root }, [1]],
    [{ status: 'frozen' }, [2]],
    [{ status: 'paused' }, [1]],
    [{ status: 'active' }, [0, 3]],
    [{ label: 'CRAWL' }, [2]],
    [{ label: '%' }, []],
    [{ parent: owner, status: 'active', label: 'read' }, [3]],
  ] as const)('can be filtered by %j', async (filter, expected) => {
    for (const limit of [1, 2, 100]) {
      const found = await walk((page) => listAccounts(db, { ...filter, ...page }), limit);
      expect(names(found)).toEqual(expected);
    }
  });

  test('are what their entries describe', async () => {
    const found = await valueOf(listAccounts(db, { parent: owner, limit: 1 }));
    expect(found.items).toEqual([
      {
        ...{ account: first, parent: owner, label: 'Crawler', firstAt: START },
        ...{ status: 'frozen', operatorStatus: 'frozen' },
      },
    ]);
  });

  test('that move are children of their new parent only', async () => {
    const third = accountOf(5);
    await happen(third, [taken(owner, root), label('Mine'), taken(second)]);
    const childrenOf = async (parent: typeof root) =>
      (await valueOf(listAccounts(db, { parent, limit: 10 }))).items.map(({ account }) => account);
    expect(await childrenOf(owner)).toEqual([first, second]);
    expect(await childrenOf(second)).toEqual([third]);
  });
});
