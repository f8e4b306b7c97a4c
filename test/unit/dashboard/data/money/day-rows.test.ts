import { expect, it } from 'vitest';
import type { AssetId } from '../../../../../src/protocol/account-id.ts';
import { withEmptyDays } from '../../../../../src/dashboard/data/money/day-rows.ts';

const USD: AssetId = 'iso4217:USD';

const row = (key: string, asset: AssetId | undefined, charged: string) => ({
  ...{ key, calls: 1, failed: 0, denied: 0, charged },
  ...(asset === undefined ? {} : { asset }),
});

it('lists each day of the period once in each asset, newest first, those without spending as zero', () => {
  const rows = [row('2026-02-27', USD, '5'), row('2026-03-01', undefined, '0')];
  expect(
    withEmptyDays(rows, '2026-02-27', '2026-03-01').map(({ key, asset, charged, calls }) => [
      key,
      asset,
      charged,
      calls,
    ]),
  ).toEqual([
    ['2026-03-01', USD, '0', 0],
    ['2026-02-28', USD, '0', 0],
    ['2026-02-27', USD, '5', 1],
  ]);
});

it('has no rows if nothing was spent', () => {
  expect(withEmptyDays([], '2026-02-27', '2026-03-01')).toEqual([]);
});

it('begins a period of more than a year with its first spending', () => {
  const rows = [row('2026-02-27', USD, '5')];
  expect(withEmptyDays(rows, '0002-01-01', '2026-03-01').map(({ key }) => key)).toEqual([
    '2026-03-01',
    '2026-02-28',
    '2026-02-27',
  ]);
});
