import { describe, expect, it } from 'vitest';
import { CountersignError, type ProblemBody } from '../../../../src/client/errors.ts';
import type { Management } from '../../../../src/client/management.ts';
import { readAccountPage } from '../../../../src/dashboard/data/accounts/account-page.ts';
import { firstRows } from '../../../../src/dashboard/data/reading/list.ts';
import {
  MOST_ACCOUNTS,
  readLogAccounts,
} from '../../../../src/dashboard/data/audit/log-accounts.ts';

type Asked = { readonly id: string; readonly request: Readonly<Record<string, unknown>> };
type Child = { readonly account: string; readonly status: string; readonly label?: string };

const OWNER = { role: 'owner', account: 'owner' } as const;
const { signal } = new AbortController();

/** A gateway that records its requests and answers each list with `items`. */
const listing = (items: (asked: Asked) => readonly unknown[]) => {
  const asked: Asked[] = [];
  const list = async function* (id: string, request: Asked['request']) {
    asked.push({ id, request });
    yield* items({ id, request });
  };
  return { asked, management: { list } as unknown as Management };
};

const unknownAccount = (): CountersignError =>
  new CountersignError('refused', 'The gateway has no such account.', {
    problem: { type: 'urn:countersign:problem:unknown-account' } as ProblemBody,
  });

/** A gateway whose accounts have granted to these children. */
const tree = (children: Readonly<Record<string, readonly Child[]>>) =>
  listing(({ request }) => {
    const { account } = request['params'] as { readonly account: string };
    const found = children[account];
    if (found === undefined) throw unknownAccount();
    return found;
  });

describe('the first rows of a list', () => {
  it('are asked for with one row more, in one page', async () => {
    const { asked, management } = listing(() => ['a', 'b', 'c']);
    const found = await firstRows(management, 'accounts.list', {}, 2);
    expect(found).toMatchObject({ items: ['a', 'b'], isMore: true });
    expect(asked[0]?.request['query']).toEqual({ limit: 3 });
  });

  it('are asked for in pages that the gateway allows, or that the caller names', async () => {
    const { asked, management } = listing(() => []);
    await firstRows(management, 'accounts.list', {}, 10_000);
    await firstRows(management, 'accounts.list', { query: { limit: 7 } }, 10_000);
    expect(asked.map(({ request }) => request['query'])).toEqual([{ limit: 500 }, { limit: 7 }]);
  });
});

describe('the accounts whose logs an owner may read', () => {
  it('are itself and all that hold a grant below it, each once', async () => {
    const { management } = tree({
      owner: [
        { account: 'a', status: 'active', label: 'Ada' },
        { account: 'b', status: 'revoked' },
      ],
      a: [{ account: 'c', status: 'expired' }],
      b: [{ account: 'c', status: 'active' }],
      c: [],
    });
    const found = await readLogAccounts(management, OWNER, signal);
    expect(found.map(({ account, label }) => label ?? account)).toEqual(['owner', 'Ada', 'b', 'c']);
  });

  it('are not those that were offered a grant: the owner may not read them', async () => {
    const { management } = tree({ owner: [{ account: 'stranger', status: 'offered' }] });
    const found = await readLogAccounts(management, OWNER, signal);
    expect(found.map(({ account }) => account)).toEqual(['owner']);
  });

  it('are not those that the owner may not read any more: a grant ended before its first call, or they moved', async () => {
    const { management } = tree({
      owner: [
        { account: 'gone', status: 'revoked' },
        { account: 'a', status: 'active' },
      ],
      a: [],
    });
    const found = await readLogAccounts(management, OWNER, signal);
    expect(found.map(({ account }) => account)).toEqual(['owner', 'gone', 'a']);
  });

  it('are read without asking each of a large fleet', async () => {
    const { asked, management } = tree({
      owner: Array.from({ length: 1000 }, (_, at) => ({ account: `a${at}`, status: 'active' })),
    });
    expect(await readLogAccounts(management, OWNER, signal)).toHaveLength(MOST_ACCOUNTS + 1);
    expect(asked).toHaveLength(1);
  });
});

describe('a page of accounts', () => {
  it('is read on where a filter matches little, until it is full', async () => {
    const pages = [
      { items: [], next: 'first' },
      { items: Array.from({ length: 20 }, () => ({})), next: 'second' },
      { items: Array.from({ length: 30 }, () => ({})), next: 'third' },
    ];
    const queries: unknown[] = [];
    const management = {
      call: async (_id: string, { query }: { readonly query: unknown }) => {
        queries.push(query);
        return { body: pages[queries.length - 1] };
      },
    } as unknown as Management;
    const page = await readAccountPage(management, { label: 'x' }, 'before', signal);
    expect(page.items).toHaveLength(50);
    expect(page.next).toBe('third');
    expect(queries).toEqual([
      { label: 'x', after: 'before', limit: 50 },
      { label: 'x', after: 'first', limit: 50 },
      { label: 'x', after: 'second', limit: 30 },
    ]);
  });
});
