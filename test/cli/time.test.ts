import { describe, expect, test } from 'vitest';
import { entriesBetween } from '../../src/client/log-lines.ts';
import { commands } from '../../src/cli/commands.ts';
import { loadCommands } from '../../src/cli/lib/command.ts';
import { inputOf } from '../../src/cli/lib/input.ts';
import { dayRangeIn, timeIn, timeRangeIn } from '../../src/cli/lib/time.ts';

/** Friday, 27 November 2026, 14:30:05 UTC. */
const NOW = Date.UTC(2026, 10, 27, 14, 30, 5) / 1000;
const DAY = 86_400;
const TODAY = Date.UTC(2026, 10, 27) / 1000;

const times = (options: Record<string, string>) => timeRangeIn(inputOf([], options), NOW);
const days = (options: Record<string, string>) => dayRangeIn(inputOf([], options), NOW);

describe('times of --from and --to', () => {
  test.each([
    ['today', TODAY],
    ['yesterday', TODAY - DAY],
    ['7d', NOW - 7 * DAY],
    ['12h', NOW - 12 * 3600],
    ['2026-11-25', TODAY - 2 * DAY],
    ['2026-11-25T14:00', TODAY - 2 * DAY + 14 * 3600],
    ['2026-11-25T14:00:01Z', TODAY - 2 * DAY + 14 * 3600 + 1],
    ['2026-11-25T14:00+02:00', TODAY - 2 * DAY + 12 * 3600],
    ['1795786200', 1_795_786_200],
  ])('%s is a time of UTC', (text, at) => {
    expect(times({ from: text })).toEqual({ from: at });
  });

  test('do not depend on the zone of the machine', () => {
    const before = process.env['TZ'];
    process.env['TZ'] = 'Pacific/Auckland';
    try {
      expect(times({ from: '2026-11-25T14:00' })).toEqual({ from: TODAY - 2 * DAY + 14 * 3600 });
      expect(timeIn('2026-11-25T14:00', '--until', NOW)).toBe(TODAY - 2 * DAY + 14 * 3600);
    } finally {
      process.env['TZ'] = before ?? 'UTC';
    }
  });

  test('include the whole day that --to names', () => {
    expect(times({ to: 'yesterday' })).toEqual({ to: TODAY });
    expect(times({ from: '2026-11-25', to: '2026-11-25' })).toEqual({
      from: TODAY - 2 * DAY,
      to: TODAY - DAY,
    });
  });

  test('are whole days for a report by days', () => {
    expect(days({ from: '7d', to: 'today' })).toEqual({ from: '2026-11-20', to: '2026-11-27' });
    expect(days({ from: 'yesterday' })).toEqual({ from: '2026-11-26' });
    expect(days({})).toEqual({});
  });

  test.each([
    'tomorrow',
    '2026-13-01',
    '2026-02-31',
    '2026-11-25T25:00',
    '7',
    '-7d',
    '',
    '2026-11-25Z',
  ])('reject %j and list the forms', (text) => {
    const failed = (): unknown => times({ from: text });
    expect(failed).toThrow('--from takes a time.');
    expect(failed).toThrow(
      expect.objectContaining({ hint: expect.stringMatching(/today.*7d.*2026-11-25.*UTC/) }),
    );
  });

  test('reject a range that ends before it begins', () => {
    expect(() => times({ from: 'today', to: 'yesterday' })).toThrow('--from is after --to.');
  });

  test('have one form in every command', async () => {
    const specs = await loadCommands(commands, 'all');
    const options = specs
      .flatMap((spec) => [spec, ...(spec.commands ?? [])])
      .flatMap((spec) => (spec.options ?? []).map((option) => ({ name: spec.name, ...option })))
      .filter(({ flags }) => /--(?:from|to) <(?:time|day|date)/.test(flags))
      .filter(({ summary }) => !summary.startsWith('deny calls'));
    expect(new Set(options.map(({ name }) => name))).toEqual(new Set(['list', 'export', 'spend']));
    for (const { flags, summary } of options) {
      expect(flags).toMatch(/<time>$/);
      if (flags.startsWith('--from')) expect(summary).toMatch(/today, yesterday, 7d .* UTC/);
    }
  });
});

test('cuts a log to a range without a gap', async () => {
  const line = (at: number): string => `{"at":${at}}\n`;
  const log = async function* (): AsyncGenerator<string> {
    yield line(1) + line(5);
    // Two entries of one second, and one whose clock was late.
    yield line(5) + line(4) + line(9) + line(10);
    yield line(11);
  };
  const kept: string[] = [];
  for await (const page of entriesBetween(log(), { from: 5, to: 10 })) kept.push(page);
  expect(kept.join('')).toBe(line(5) + line(5) + line(4) + line(9));
});
