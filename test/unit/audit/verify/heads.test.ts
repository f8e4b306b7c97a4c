import { describe, expect, test } from 'vitest';
import { headsText, parseHeads } from '../../../../src/audit/log/heads.ts';
import type { LogEvidence } from '../../../../src/audit/verify/log-evidence.ts';
import { verify } from '../../../../src/audit/verify/verify.ts';
import { decodeUtf8, utf8 } from '../../../../src/crypto/bytes.ts';
import type { AccountId } from '../../../../src/protocol/account-id.ts';
import {
  type CutExport,
  CUT_CASES,
  PINNED,
  quietYear,
  wholeExport,
} from '../../../support/cut-exports.ts';
import { exportLogs, openMemoryLog, publishedBy } from '../../../support/memory-log.ts';
import { fileOf, textOf } from '../../../support/verify-log.ts';
import {
  accepted,
  accountOf,
  ALICE,
  committed,
  history,
  MALLORY,
  settled,
  START,
} from '../history.ts';

const calls = (account: AccountId, count: number) =>
  history(
    account,
    Array.from({ length: count }, (_, at) => [
      accepted(at + 1, START + at),
      committed(at + 1, START + at),
      settled(at + 1, START + at),
    ]).flat(),
  );
const BOB = accountOf(7);
const OWNED = new Map([
  [ALICE, calls(ALICE, 4)],
  [BOB, calls(BOB, 2)],
]);
const STRANGER = calls(MALLORY, 3);

const reportOf = async (
  { logs, years, key }: CutExport,
  pinned: string | undefined,
  published?: LogEvidence['published'],
) =>
  await verify({
    entries: [...logs].map(([account, entries]) => fileOf(account, textOf(entries))),
    ...(years.length === 0
      ? {}
      : {
          log: {
            years: years.map(({ year, leaves, checkpoint, heads }) => ({
              leaves: fileOf(`log/${year}/leaves.ndjson`, leaves.join('')),
              checkpoint: { name: `log/${year}/checkpoint`, text: checkpoint },
              ...(heads.length === 0
                ? {}
                : { heads: fileOf(`log/${year}/heads.ndjson`, heads.join('')) }),
            })),
            keys: [{ name: 'log-key', text: key }],
            ...(pinned === undefined ? {} : { pinned: [{ name: 'pinned', text: pinned }] }),
            ...(published === undefined ? {} : { published }),
          },
        }),
  });

/** The faults that the checks `log` and `heads` found, and whether the ends of the chains are proved. */
const foundIn = async (...given: Parameters<typeof reportOf>) => {
  const report = await reportOf(...given);
  const own = report.checks.filter(({ check }) => check === 'log' || check === 'heads');
  const broken = own.flatMap(({ check, first }) =>
    first === undefined ? [] : [[check, first.reason]],
  );
  return {
    broken: Object.fromEntries(broken) as Record<string, string>,
    heads: own.find(({ check }) => check === 'heads')?.verdict,
  };
};

describe('an export of an owner', () => {
  test.each(CUT_CASES)('with $name', async ({ change, broken = {}, heads, unpinned }) => {
    const whole = await wholeExport(OWNED, ALICE, STRANGER);
    const given = await change(whole);
    expect(await foundIn(given, PINNED)).toEqual({ broken, heads });
    const without = unpinned ?? { broken, heads };
    expect(await foundIn(given, undefined)).toEqual(without);
  });

  test('proves that an account was quiet in the new year, and needs that year for it', async () => {
    const given = await quietYear(OWNED, ALICE, STRANGER);
    const alone = { ...given, logs: new Map([[ALICE, OWNED.get(ALICE) ?? []]]) };
    expect(await foundIn(alone, PINNED)).toEqual({ broken: {}, heads: 'proved' });
    const [old, quiet] = alone.years;
    if (old === undefined || quiet === undefined) throw new Error('no years');
    const without = { ...alone, years: [old, { ...quiet, heads: [] }] };
    expect(await foundIn(without, PINNED)).toEqual({ broken: {}, heads: 'not checked' });
  });

  test('cannot leave out what an account did in the new year', async () => {
    const [before, entries] = [openMemoryLog(2026), OWNED.get(ALICE) ?? []];
    await before.append(entries.slice(0, 6));
    const log = openMemoryLog(2027, before);
    await log.append(entries.slice(6), STRANGER);
    const years = await exportLogs([before, log], [ALICE]);
    const whole = { logs: new Map([[ALICE, entries]]), years, key: PINNED };
    expect(await foundIn(whole, PINNED)).toEqual({ broken: {}, heads: 'proved' });
    const cut = {
      ...whole,
      logs: new Map([[ALICE, entries.slice(0, 6)]]),
      years: years.map((year) => ({
        ...year,
        leaves: year.leaves.filter((line) => !line.includes(ALICE) || year.year === 2026),
      })),
    };
    expect(await foundIn(cut, PINNED)).toEqual({
      broken: { heads: 'leaf_withheld' },
      heads: 'BROKEN',
    });
  });
});

describe('the log that the gateway has now', () => {
  const PROVED = { broken: {}, heads: 'proved' };
  const OPEN = { broken: {}, heads: 'bounded' };

  test('shows whether the export has the newest entries, whatever checkpoint it came with', async () => {
    const whole = await wholeExport(OWNED, ALICE, STRANGER);
    const { log, early, cut, kept } = whole;
    const live = publishedBy([log]);
    expect(await foundIn(whole, PINNED, live)).toEqual(PROVED);
    // An export made when the account had half of its entries. Nothing in it is false.
    const entries = OWNED.get(cut)?.slice(0, kept) ?? [];
    const old = { ...whole, logs: new Map(OWNED).set(cut, entries), years: early };
    expect(await foundIn(old, PINNED)).toEqual(PROVED);
    expect(await foundIn(old, PINNED, live)).toEqual(OPEN);
    await log.append(calls(accountOf(9), 1));
    expect(await foundIn(whole, PINNED, live)).toEqual(PROVED);
  });

  test('proves that an account is quiet, and that no year came after', async () => {
    const before = openMemoryLog(2026);
    for (const entries of OWNED.values()) await before.append(entries);
    const log = openMemoryLog(2027, before);
    await log.append(STRANGER);
    const years = await exportLogs([before, log], [ALICE]);
    const quiet = { logs: new Map([[ALICE, OWNED.get(ALICE) ?? []]]), years, key: PINNED };
    expect(await foundIn(quiet, PINNED, publishedBy([before, log]))).toEqual(PROVED);
    const past = { ...quiet, years: years.slice(0, 1) };
    expect(await foundIn(past, PINNED)).toEqual(PROVED);
    expect(await foundIn(past, PINNED, publishedBy([before, log]))).toEqual(OPEN);
  });

  test.each([
    ['another index', (text: string) => text.replace(/"slot":"./, '"slot":"_')],
    ['another leaf', (text: string) => text.replace('countersign-heads/1', 'countersign-heads/2')],
  ])('must prove its heads: %s', async (_, change) => {
    const whole = await wholeExport(OWNED, ALICE, STRANGER);
    const live = publishedBy([whole.log]);
    const altered = async (path: string) => {
      const answer = await live(path);
      if (answer === undefined || !path.includes('/head/')) return answer;
      return utf8(change(decodeUtf8(answer) ?? ''));
    };
    expect(await foundIn(whole, PINNED, altered)).toEqual({
      broken: { heads: 'head_not_included' },
      heads: 'BROKEN',
    });
  });
});

test('a gateway that proves no heads now leaves them open, and nothing looks forged', async () => {
  const whole = await wholeExport(OWNED, ALICE, STRANGER);
  const live = publishedBy([whole.log]);
  const silent = async (path: string) => (path.includes('/head/') ? undefined : await live(path));
  expect(await foundIn(whole, PINNED, silent)).toEqual({ broken: {}, heads: 'not checked' });
});

test('the gateway has another newest leaf in the very tree of the export: its leaves are forged', async () => {
  const whole = await wholeExport(OWNED, ALICE, STRANGER);
  const [year] = await exportLogs([whole.log], 'all');
  if (year === undefined) throw new Error('no year');
  // The operator's own export, without what followed the first half of the account's entries. Only the root is wrong.
  const shown = Number(whole.early[0]?.checkpoint.split('\n')[1]);
  const blank = headsText(new Uint8Array(32));
  const leaves = year.leaves.map((line, index) =>
    index < shown ? line : `${JSON.stringify({ index, leaf: blank })}\n`,
  );
  const entries = OWNED.get(ALICE)?.slice(0, whole.kept) ?? [];
  const given = {
    ...whole,
    logs: new Map(OWNED).set(ALICE, entries),
    years: [{ ...year, leaves }],
  };
  expect((await foundIn(given, PINNED, publishedBy([whole.log]))).broken).toEqual({
    log: 'other_heads',
    heads: 'leaf_withheld',
  });
});

describe('all leaves of a log', () => {
  test('prove the heads of every account, and each index that the operator signed', async () => {
    const log = openMemoryLog(2026);
    for (const entries of OWNED.values()) await log.append(entries);
    const years = await exportLogs([log], 'all');
    const given = { logs: OWNED, years, key: PINNED };
    expect(await foundIn(given, PINNED)).toEqual({ broken: {}, heads: 'proved' });
    const root = parseHeads((JSON.parse(years[0]?.leaves[1] ?? '') as { leaf: string }).leaf);
    const wrong = headsText((root as Uint8Array).toReversed());
    const leaves = (years[0]?.leaves ?? []).with(
      1,
      `${JSON.stringify({ index: 1, leaf: wrong })}\n`,
    );
    const lie = { ...given, years: years.map((year) => ({ ...year, leaves })) };
    expect((await foundIn(lie, PINNED)).broken).toEqual({ log: 'other_heads' });
  });
});

test('a chain without a log is open: its end may be missing', async () => {
  const report = await reportOf(
    { logs: new Map([[BOB, calls(BOB, 1)]]), years: [], key: '' },
    undefined,
  );
  expect(report.checks.find(({ check }) => check === 'heads')).toMatchObject({
    verdict: 'not checked',
    note: expect.stringContaining('nothing proves'),
  });
});
