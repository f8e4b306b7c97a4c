import { expect, it } from 'vitest';
import { CliError } from '../../../src/cli/lib/errors.ts';
import { MOST_READ, withSpendStatus } from '../../../src/cli/lib/spend-statuses.ts';

type Admin = Parameters<typeof withSpendStatus>[0];
type Item = Parameters<typeof withSpendStatus>[1][number];

const item = (account: string, status: Item['status'] = 'active'): Item => ({
  account: account as Item['account'],
  status,
});

/** An operator's client whose reads of accounts return an answer or fail with a code. */
const answering = (answers: Readonly<Record<string, object | string>>): Admin => ({
  call: (async (_: string, { params }: { readonly params: { readonly account: string } }) => {
    const answer = answers[params.account] ?? 'unread';
    if (typeof answer === 'string') throw new CliError(answer, { hint: '', code: answer });
    return { body: answer };
  }) as unknown as Admin['call'],
});

const ACTIVE = { status: 'active', grants: [{ status: 'active' }] };

it('an account that does not answer hides no other one', async () => {
  const admin = answering({
    a: ACTIVE,
    b: 'storage_unavailable',
    c: { ...ACTIVE, grants: [], parent: 'a' },
  });
  const read = await withSpendStatus(admin, [item('a'), item('b'), item('c'), item('d', 'frozen')]);
  expect(read.unread).toBe(0);
  expect(read.items.map(({ account, spend_status: status }) => [account, status])).toEqual([
    ['a', 'active'],
    ['b', 'unknown'],
    ['c', 'no valid grant'],
    ['d', 'frozen'],
  ]);
});

it('a gateway that cannot be reached ends the command', async () => {
  await expect(withSpendStatus(answering({ a: 'unreachable' }), [item('a')])).rejects.toMatchObject(
    { code: 'unreachable' },
  );
});

it('a long list reads a bounded number of accounts, some at a time, and says how many it did not read', async () => {
  let [reads, running, most] = [0, 0, 0];
  const admin: Admin = {
    call: (async () => {
      reads += 1;
      running += 1;
      most = Math.max(most, running);
      await Promise.resolve();
      running -= 1;
      return { body: ACTIVE };
    }) as unknown as Admin['call'],
  };
  const active = Array.from({ length: MOST_READ + 3 }, (_, at) => item(`a${at}`));
  const { items, unread } = await withSpendStatus(admin, [item('b', 'frozen'), ...active]);
  expect({ reads, unread, most }).toEqual({ reads: MOST_READ, unread: 3, most: 8 });
  expect(items.slice(-4).map(({ spend_status: status }) => status)).toEqual([
    'active',
    ...['unknown', 'unknown', 'unknown'],
  ]);
  expect(items[0]).toMatchObject({ account: 'b', spend_status: 'frozen' });
});
