import { expect, it, vi } from 'vitest';
import type { Management } from '../../../../../src/client/management.ts';
import { nowSeconds } from '../../../../../src/core/clock.ts';
import { readCheckpoint } from '../../../../../src/dashboard/data/audit/checkpoint.ts';
import { proveEntry } from '../../../../../src/dashboard/data/audit/entry-proof.ts';
import { MOST_ENTRIES, readLogFiles } from '../../../../../src/dashboard/data/audit/log-files.ts';
import { verifyJob } from '../../../../../src/dashboard/data/audit/verify-job.ts';
import type { AccountId } from '../../../../../src/protocol/account-id.ts';
import { useVectorsClock } from '../../../../support/vectors-clock.ts';
import { word } from '../../../audit/history.ts';
import { openTwoYears, OWNER, YOUNG } from './two-years.ts';

useVectorsClock();

const read = async (management: Management, accounts: readonly AccountId[], isWhole: boolean) =>
  await readLogFiles(management, accounts, {
    isWhole,
    now: nowSeconds(),
    signal: new AbortController().signal,
    onEntries: () => undefined,
  });

const findingOf = async ({ job }: Awaited<ReturnType<typeof read>>, id = 'log') =>
  (await verifyJob(job, () => undefined)).checks.find(({ check }) => check === id);

/** The page gets the keys from the gateway itself, so its checkpoints are only bounded. */
const UNPINNED = { verdict: 'bounded', bounded: 2, unchecked: 0 };

const linesOf = async (blob: Blob): Promise<readonly string[]> =>
  (await blob.text()).trimEnd().split('\n');

it('verifies an owner’s entries of last year and of this one with the log of each', async () => {
  const files = await read(await openTwoYears('owner'), [OWNER], false);
  expect(files.job.log?.years.map(({ year }) => year)).toEqual([2026, 2027]);
  expect(files.job.log?.keys.map(({ text }) => text)).toEqual([
    expect.stringContaining('/log/2026+'),
    expect.stringContaining('/log/2027+'),
  ]);
  expect(await findingOf(files)).toMatchObject(UNPINNED);
  expect(await findingOf(files, 'heads')).toMatchObject({ verdict: 'bounded', unchecked: 0 });
});

it('verifies the whole log of both years for an operator', async () => {
  const files = await read(await openTwoYears('operator'), [OWNER, YOUNG], true);
  const [old, current] = files.job.log?.years ?? [];
  expect(await linesOf(old?.leaves ?? new Blob())).toHaveLength(2);
  expect((await linesOf(current?.leaves ?? new Blob()))[0]).toContain('countersign-log/1');
  expect(await findingOf(files)).toMatchObject(UNPINNED);
});

it('reads a year in which an account has nothing, for the proof of that', async () => {
  const files = await read(await openTwoYears('operator'), [YOUNG], false);
  expect(files.job.log?.years.map(({ year }) => year)).toEqual([2026, 2027]);
  expect(await findingOf(files)).toMatchObject(UNPINNED);
});

it('reads the leaves of several accounts in the order of each log', async () => {
  const { job } = await read(await openTwoYears('operator'), [YOUNG, OWNER], false);
  const indices = (job.log?.years ?? []).map(async ({ leaves }) =>
    (await linesOf(leaves)).map((line) => (JSON.parse(line) as { readonly index: number }).index),
  );
  expect(await Promise.all(indices)).toEqual([
    [0, 1],
    [0, 1, 3, 5, 6],
  ]);
});

it('verifies former years before the first checkpoint of a new one', async () => {
  const management = await openTwoYears('operator');
  vi.setSystemTime(Date.UTC(2028, 0, 1));
  const files = await read(management, [OWNER, YOUNG], true);
  expect(files.job.log?.years.map(({ year }) => year)).toEqual([2026, 2027]);
  expect(await findingOf(files)).toMatchObject(UNPINNED);
});

it('shows the newest checkpoint, and that of the year before until a new log has one', async () => {
  await openTwoYears('owner');
  const shown = { year: '/log/2027', size: 7, isSigned: true };
  for (const now of [Date.UTC(2027, 0, 15), Date.UTC(2028, 0, 1)]) {
    vi.setSystemTime(now);
    const { origin = '', size, isSigned } = (await readCheckpoint(nowSeconds())) ?? {};
    expect({ year: origin.slice(-9), size, isSigned }).toEqual(shown);
  }
  vi.setSystemTime(Date.UTC(2029, 0, 1));
  expect(await readCheckpoint(nowSeconds())).toBeUndefined();
});

it('finds nothing truncated if there are more entries than a browser reads', async () => {
  const management = await openTwoYears('operator');
  const busy: AccountId = `eip155:84532:0x${'99'.repeat(20)}`;
  const others = Array.from({ length: MOST_ENTRIES - 5 }, (_, at) => `{"seq":${at + 1}}\n`);
  const exportPages: Management['export'] = (id, ...request) =>
    JSON.stringify(request).includes(busy)
      ? (async function* () {
          yield others.join('');
        })()
      : management.export(id, ...request);
  const files = await read({ ...management, export: exportPages }, [busy, OWNER], true);
  expect(files.isCut).toBe(true);
  // Only the leaf of the first three entries is included. The next leaf extends beyond the fifth entry.
  expect(files.job.log?.years.map(({ year }) => year)).toEqual([2026]);
  expect(await findingOf(files)).toMatchObject({ verdict: 'bounded', unchecked: 0 });
});

it.each([
  ['logged last year', 3, 2026],
  ['decided last year and logged in this one', 4, 2027],
  ['of this year', 9, 2027],
])('proves an entry that was %s', async (_, seq, year) => {
  const management = await openTwoYears('owner');
  const call = word(seq < 4 ? 1 : seq < 7 ? 2 : 4);
  const proved = await proveEntry(management, { account: OWNER, call }, seq, nowSeconds());
  expect(proved).toMatchObject({ ok: true, value: { seq } });
  expect(proved.ok && proved.value.origin).toMatch(new RegExp(`/log/${year}$`));
});
