import { expect, it } from 'vitest';
import { failingTools } from '../../../../../src/dashboard/data/overview/failing-tools.ts';

const row = (key: string, calls: number, failed: number) => ({ key, calls, failed });

it('names tools most of whose calls failed, the most failures first', () => {
  expect(failingTools([row('few', 12, 7), row('many', 100, 99), row('fine', 100, 3)])).toEqual([
    { tool: 'many', calls: 100, failed: 99 },
    { tool: 'few', calls: 12, failed: 7 },
  ]);
});

it.each([
  ['half of the calls', row('half', 10, 5)],
  ['all of few calls', row('rare', 9, 9)],
  ['no call', row('unused', 0, 0)],
])('does not cry wolf over %s', (_, counted) => {
  expect(failingTools([counted])).toEqual([]);
});

it('counts the calls of a tool in all assets together', () => {
  expect(failingTools([row('two', 6, 6), row('two', 5, 1)])).toEqual([
    { tool: 'two', calls: 11, failed: 7 },
  ]);
});
