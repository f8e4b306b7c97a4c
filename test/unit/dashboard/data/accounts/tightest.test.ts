import { expect, it } from 'vitest';
import type { PolicyDocument } from '../../../../../src/management/policy.route.ts';
import { queueRead } from '../../../../../src/dashboard/data/reading/read-queue.ts';
import { statedLimit, tightestLimit } from '../../../../../src/dashboard/data/accounts/tightest.ts';

const limit = (rule: string, whole: string, spent: string, held = '0') => ({
  ...{ rule, limit: whole, spent, held, remaining: '0' },
});
const money = (...limits: readonly ReturnType<typeof limit>[]) => ({
  money: [
    {
      ...{ asset: 'iso4217:USD' as const, credit: '0', credit_held: '0', credit_lent: '0' },
      ...{ held: '0', unsettled: '0', debt: '0', limits: [...limits] },
    },
  ],
});

it('names the limit on money of which most is used, held amounts too', () => {
  const limits = [limit('grant:lifetime', '300', '100'), limit('owner:window:day', '10', '1', '5')];
  expect(tightestLimit(money(...limits))).toMatchObject({ rule: 'owner:window:day' });
});

it('names no limit that counts calls, and none for the price of one call', () => {
  expect(tightestLimit(money(limit('rate', '2', '2'), limit('owner:per_call', '5', '0')))).toBe(
    undefined,
  );
});

it('takes a limit of zero as used up', () => {
  const limits = [limit('window:day', '10', '9'), limit('grant:lifetime', '0', '0')];
  expect(tightestLimit(money(...limits))).toMatchObject({ rule: 'grant:lifetime' });
});

it('runs six reads at once at most, and none that was aborted while it waited', async () => {
  const { signal } = new AbortController();
  const aborted = new AbortController();
  let [running, most, late] = [0, 0, 0];
  const read = async (): Promise<void> => {
    running += 1;
    most = Math.max(most, running);
    await new Promise((resolve) => setTimeout(resolve, 1));
    running -= 1;
  };
  const reads = Array.from({ length: 20 }, () => queueRead(read, signal));
  const last = queueRead(async () => {
    late += 1;
  }, aborted.signal);
  aborted.abort();
  await expect(last).rejects.toThrow(/abort/i);
  await Promise.all(reads);
  expect({ most, late }).toEqual({ most: 6, late: 0 });
});

it.each([
  [
    'of a period, whose length it names',
    [{ perCall: '$5' }, { lifetime: '$2', windows: [{ every: 86_400, limit: '$0.05' }] }],
    { rule: 'window:86400s', amount: 50_000n, asset: '' },
  ],
  [
    'in total',
    [{ perCall: '$5' }, { lifetime: '$2' }, { lifetime: '$3' }],
    { rule: 'lifetime', amount: 2_000_000n, asset: '' },
  ],
  ['of one call', [{ perCall: '$5' }], { rule: 'per_call', amount: 5_000_000n, asset: '' }],
  ['of nothing', [{ exposure: '$1' }], undefined],
])('states the lowest limit %s', (_what, documents, stated) => {
  const policies = documents.map((policy) => ({ policy: policy as PolicyDocument }));
  expect(statedLimit({ policies })).toEqual(stated);
});
