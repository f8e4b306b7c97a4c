import { expect, it } from 'vitest';
import { stacksOf } from '../../../../src/dashboard/format/stacks.ts';

const DAYS = ['2026-11-26', '2026-11-27', '2026-11-28'];
const row = (day: number, name: string, amount: bigint) => ({
  day: DAYS[day] ?? '',
  name,
  amount,
});

it('stacks the largest names first, and the rest as others, without losing an amount', () => {
  const rows = [
    row(0, 'a', 1n),
    row(2, 'b', 9n),
    row(2, 'c', 3n),
    row(2, 'd', 2n),
    row(0, 'd', 2n),
  ];
  expect(stacksOf(rows, DAYS, 2)).toEqual([
    { name: 'b', amounts: [0n, 0n, 9n] },
    { name: 'd', amounts: [2n, 0n, 2n] },
    { name: 'others', amounts: [1n, 0n, 3n] },
  ]);
});

it('shows a day without spend as zero, and six names without others', () => {
  const rows = Array.from({ length: 6 }, (_, at) => row(1, `tool${at}`, BigInt(at + 1)));
  const series = stacksOf(rows, DAYS);
  expect(series).toHaveLength(6);
  expect(series[0]).toEqual({ name: 'tool5', amounts: [0n, 6n, 0n] });
});
