import { expect, it } from 'vitest';
import { needsCredit } from '../../../../../src/dashboard/data/overview/needs-credit.ts';

const row = (key: string, charged: string) => ({
  ...{ key, charged, calls: 1, denied: 0, failed: 0 },
});
const figures = (charged: readonly string[], rules: readonly string[]) => ({
  days: { items: charged.map((each) => row('2026-11-28', each)), of: charged.length },
  rules: { items: rules.map((rule) => row(rule, '0')), of: rules.length },
});
const POOR = { hasCredit: false, held: [] };
const GRANT = { hash: '0x01', isActive: true, isDefault: true, assets: undefined } as const;

it.each([
  ['for which nothing was charged yet', figures([], []), POOR, true],
  ['whose calls were free or denied', figures(['0'], ['per_call']), POOR, true],
  ['whose agents pay themselves', figures(['1000'], ['per_call']), POOR, false],
  ['some of whose agents have no money', figures(['1000'], ['credit']), POOR, true],
  ['with credit', figures([], ['credit']), { ...POOR, hasCredit: true }, false],
  ['that holds a grant itself', figures([], ['credit']), { ...POOR, held: [GRANT] }, false],
])('an owner %s: %o', (_, read, own, expected) => {
  expect(needsCredit(read, own)).toBe(expected);
});
