import { beforeAll, describe, expect, it } from 'vitest';
import type { Entry } from '../../src/protocol/entry.ts';
import {
  brokenIn,
  type ExportTexts,
  loadExport,
  MUTATIONS,
  reportOf,
  rewritten,
} from '../support/export-mutations.ts';

let original: ExportTexts;
beforeAll(async () => {
  original = await loadExport();
});

it('finds nothing broken in an export as it was written', async () => {
  const report = await reportOf(original);
  expect(brokenIn(report)).toEqual({});
  const entries = [...original.logs.values()].flat().length;
  expect(report).toMatchObject({ entries, accounts: original.logs.size });
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

/** Every value in an entry, by the path to it. */
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

describe('every member of every type of entry', () => {
  it('is found when it changes, whether the hashes of its chain are rebuilt or not', async () => {
    const types = new Set([...original.logs.values()].flat().map(({ type }) => type));
    const undetected: string[] = [];
    let changes = 0;
    for (const type of types) {
      const sample = [...original.logs.values()].flat().find((entry) => entry.type === type);
      for (const path of valuesIn(sample)) {
        for (const depth of ['entry', 'chain'] as const) {
          const change = (entries: readonly Entry[], at: number) =>
            entries.with(at, changedAt(entries[at], path) as Entry);
          changes += 1;
          // What relinking writes anew is as it was.
          if (depth === 'chain' && (path[0] === 'seq' || path[0] === 'prev')) continue;
          const report = await reportOf(await rewritten(original, type, depth, change));
          if (report.verdict !== 'BROKEN') undetected.push(`${type} ${path.join('.')} ${depth}`);
        }
      }
    }
    expect(undetected).toEqual([]);
    expect(changes).toBeGreaterThan(400);
  }, 120_000);
});
