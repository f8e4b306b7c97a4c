import { describe, expect, test } from 'vitest';
import { headsText, parseHeads } from '../../../../src/audit/log/heads.ts';
import { verify } from '../../../../src/audit/verify/verify.ts';
import type { AccountId } from '../../../../src/protocol/account-id.ts';
import {
  type CutExport,
  CUT_CASES,
  PINNED,
  quietYear,
  wholeExport,
} from '../../../support/cut-exports.ts';
import { exportLogs, openMemoryLog } from '../../../support/memory-log.ts';
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

const reportOf = async ({ logs, years, key }: CutExport, pinned: string | undefined) =>
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
          },
        }),
  });

/** What two checks found, and whether the ends of chains are proved. */
const foundIn = async (given: CutExport, pinned: string | undefined) => {
  const report = await reportOf(given, pinned);
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

  test('of an account that went on in the new year cannot leave that out', async () => {
    const [before, entries] = [openMemoryLog(2025), OWNED.get(ALICE) ?? []];
    await before.append(entries.slice(0, 6));
    const log = openMemoryLog(2026, before);
    await log.append(entries.slice(6), STRANGER);
    const years = await exportLogs([before, log], [ALICE]);
    const whole = { logs: new Map([[ALICE, entries]]), years, key: PINNED };
    expect(await foundIn(whole, PINNED)).toEqual({ broken: {}, heads: 'proved' });
    const cut = {
      ...whole,
      logs: new Map([[ALICE, entries.slice(0, 6)]]),
      years: years.map((year) => ({
        ...year,
        leaves: year.leaves.filter((line) => !line.includes(ALICE) || year.year === 2025),
      })),
    };
    expect(await foundIn(cut, PINNED)).toEqual({
      broken: { heads: 'leaf_withheld' },
      heads: 'BROKEN',
    });
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
    note: expect.stringContaining('nothing shows'),
  });
});
