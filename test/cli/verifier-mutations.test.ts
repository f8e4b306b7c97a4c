import { beforeAll, describe, expect, it } from 'vitest';
import type { AccountId } from '../../src/protocol/account-id.ts';
import type { Entry } from '../../src/protocol/entry.ts';
import { MUTATIONS } from '../support/export-mutations.ts';
import {
  brokenIn,
  type ExportTexts,
  loadExport,
  relinked,
  relogged,
  reportOf,
  rewritten,
} from '../support/export-texts.ts';
import { overYears, SOUND } from '../support/log-mutations.ts';

let original: ExportTexts;
beforeAll(async () => {
  original = await loadExport();
});

describe('nothing is found broken in an export', () => {
  it.each(SOUND)('$name', async ({ change }) => {
    const report = await reportOf(await change(original));
    expect(brokenIn(report)).toEqual({});
    expect(report.checks.find(({ check }) => check === 'log')?.verdict).toBe('proved');
    const entries = [...original.logs.values()].flat().length;
    expect(report).toMatchObject({ entries, accounts: original.logs.size });
  });
});

describe('a changed export is found broken:', () => {
  it.each(MUTATIONS)('$name', async ({ change, found }) => {
    const report = await reportOf(await change(original));
    expect(brokenIn(report)).toMatchObject(found);
    expect(report.verdict).toBe('BROKEN');
  });
});

it('names an account whose chain is missing, and what the log has of it', async () => {
  const [account] = original.logs.keys();
  const logs = new Map([...original.logs].filter(([of]) => of !== account));
  const report = await reportOf({ ...original, logs });
  expect(report.verdict).toBe('not checked');
  for (const id of ['chain', 'log']) {
    const finding = report.checks.find(({ check }) => check === id);
    expect(finding, id).toMatchObject({ verdict: 'not checked' });
    expect(finding?.note).toContain(account);
  }
});

it('names the year of the log that is missing', async () => {
  const { before: _, ...texts } = await overYears(original);
  const report = await reportOf({ ...texts, older: texts.checkpoint });
  expect(brokenIn(report)).toEqual({});
  const finding = report.checks.find(({ check }) => check === 'log');
  expect(finding).toMatchObject({ verdict: 'not checked' });
  expect(finding?.note).toContain('the log before gateway.example/log/2026 is missing');
});

/**
 * What an operator can change without detection (docs/audit-log.md, "What it cannot show"): places and times, the tool's answer, operators'
 * notes, alerts, and members of calls that no signature of the caller covers.
 */
const UNSIGNED = new RegExp(
  [
    '^[^ ]+ (v|seq|prev|salt|at)$',
    '^alert\\.raised ',
    '^call\\.finished outcome\\.(digest|reason|status)$',
    '^call\\.refunded outcome\\.reason$',
    '^call\\.denied (count|evidence\\.intentSignatureDigest)$',
    '^payment\\.settled payment\\.(block|transaction)$',
    '^call\\.(accepted|parked) payment\\.(creditTo|payTo)$',
    '^call\\.accepted (evidence\\.audience|request)$',
    '^call\\.parked outcome\\.approver$',
    '^call\\.approved rule$',
    '^grant\\.issued decision$',
    '^credit\\.lent ',
  ].join('|'),
);

/** The path of every value in an entry. */
const valuesIn = (value: unknown, path: readonly string[] = []): readonly (readonly string[])[] =>
  typeof value === 'object' && value !== null
    ? Object.entries(value).flatMap(([key, inner]) => valuesIn(inner, [...path, key]))
    : [path];

const other = (value: unknown): unknown => {
  if (typeof value === 'number') return value + 1;
  if (typeof value === 'boolean') return !value;
  if (typeof value !== 'string') return 'x';
  const last = value.at(-1) ?? '';
  if (/^[0-9]$/.test(last)) return `${value.slice(0, -1)}${(Number(last) + 1) % 10}`;
  if (/^[a-f]$/.test(last)) return `${value.slice(0, -1)}${last === 'a' ? 'b' : 'a'}`;
  return `${value}x`;
};

const changedAt = (value: unknown, [key, ...rest]: readonly string[]): unknown => {
  if (key === undefined) return other(value);
  const copy: unknown = Array.isArray(value) ? [...(value as unknown[])] : { ...(value as object) };
  Reflect.set(copy as object, key, changedAt(Reflect.get(value as object, key), rest));
  return copy;
};

/** An export of one account's chain and the whole log. */
const exportOf = (account: AccountId | undefined): ExportTexts => ({
  ...original,
  logs: new Map([...original.logs].filter(([of]) => of === account)),
  listed: original.listed.filter((one) => one.account === account),
  receipts: undefined,
});

describe('every member of every type of entry', () => {
  it('is found when it changes, whether the hashes of its chain are rebuilt or not', async () => {
    const types = new Set([...original.logs.values()].flat().map(({ type }) => type));
    const undetected: string[] = [];
    let changes = 0;
    for (const type of types) {
      const sample = [...original.logs.values()].flat().find((entry) => entry.type === type);
      // Verify only the changed account: the whole export takes three times as long, and its other accounts never change.
      const alone = exportOf(sample?.account);
      expect(brokenIn(await reportOf(alone)), type).toEqual({});
      for (const path of valuesIn(sample)) {
        for (const depth of ['entry', 'chain'] as const) {
          const change = (entries: readonly Entry[], at: number) =>
            entries.with(at, changedAt(entries[at], path) as Entry);
          changes += 1;
          // Relinking recomputes these members, which undoes the change.
          if (depth === 'chain' && (path[0] === 'seq' || path[0] === 'prev')) continue;
          const report = await reportOf(await rewritten(alone, type, depth, change));
          if (report.verdict !== 'BROKEN') undetected.push(`${type} ${path.join('.')} ${depth}`);
        }
      }
    }
    expect(undetected).toEqual([]);
    expect(changes).toBeGreaterThan(400);
  }, 300_000);

  it('is found by what others signed or what does not add up, or is listed as unfindable', async () => {
    const unfound = new Set<string>();
    const seen = new Set<string>();
    // Without a checkpoint or a receipt that a reader kept.
    const alone: ExportTexts = { ...original, older: undefined, receipts: undefined };
    expect(brokenIn(await reportOf(alone))).toEqual({});
    for (const [account, entries] of original.logs) {
      for (const [at, entry] of entries.entries()) {
        for (const path of valuesIn(entry)) {
          const name = `${entry.type} ${path.map((key) => (/^[0-9]+$/.test(key) ? '#' : key)).join('.')}`;
          const kind = `${name} ${JSON.stringify(entry.payment?.['paidBy'])}`;
          if (UNSIGNED.test(name) || seen.has(kind)) continue;
          seen.add(kind);
          const changed = relinked(entries.with(at, changedAt(entry, path) as Entry));
          const logs = new Map(original.logs).set(account, changed);
          const { verdict } = await reportOf(await relogged({ ...alone, logs }));
          // A hash whose text is in no file ends with code 2, as for a missing file.
          if (verdict !== 'BROKEN' && verdict !== 'not checked') unfound.add(name);
        }
      }
    }
    expect([...unfound]).toEqual([]);
    expect(seen.size).toBeGreaterThan(300);
  }, 300_000);
});
