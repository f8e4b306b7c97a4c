import { describe, expect, it } from 'vitest';
import type { Management } from '../../../../../src/client/management.ts';
import { deniedIn, readDeniedCalls } from '../../../../../src/dashboard/data/calls/denied-calls.ts';
import { startOf } from '../../../../../src/dashboard/format/time.ts';

const DAYS = ['2026-11-24', '2026-11-25', '2026-11-26'] as const;
const filters = { account: 'eip155:1:0x1', from: DAYS[0], to: DAYS[2] };
const { signal } = new AbortController();

type Entry = { readonly seq: number; readonly at: number; readonly count?: number };

/** A gateway with these totals and denial entries by day, which counts the entries that are read. */
const gatewayWith = (days: Readonly<Record<string, readonly [total: number, ...Entry[]]>>) => {
  const seen = { days: [] as string[], entries: 0 };
  const entries = async function* (from: number, to: number) {
    for (const [, ...listed] of Object.values(days))
      for (const entry of listed.filter(({ at }) => at >= from && at < to)) {
        seen.entries += 1;
        yield { type: 'call.denied', ...entry };
      }
  };
  const totals = async function* () {
    for (const [key, [denied]] of Object.entries(days)) yield { key, denied };
  };
  const list = (id: string, { query }: { readonly query: Record<string, unknown> }) => {
    if (id === 'account.spend') return totals();
    const from = Number(query['from']);
    seen.days.push(DAYS.find((day) => startOf(day) === from) ?? '');
    return entries(from, Number(query['to']));
  };
  return { management: { list } as unknown as Management, seen };
};

const at = (day: string, seconds: number): number => startOf(day) + seconds;

describe('denials one by one', () => {
  it('are the newest first, and only days with denials are read', async () => {
    const { management, seen } = gatewayWith({
      [DAYS[0]]: [3, { seq: 1, at: at(DAYS[0], 5), count: 2 }, { seq: 2, at: at(DAYS[0], 9) }],
      [DAYS[1]]: [0],
      [DAYS[2]]: [1, { seq: 7, at: at(DAYS[2], 0) }],
    });
    const read = await readDeniedCalls(management, filters, 50, signal);
    expect(read.rows.map(({ seq }) => seq)).toEqual([7, 2, 1]);
    expect([deniedIn(read.rows), read.total, read.isMore]).toEqual([4, 4, false]);
    expect(seen.days).toEqual([DAYS[2], DAYS[0]]);
  });

  it('of a day are read until they add up to its total', async () => {
    const { management, seen } = gatewayWith({
      [DAYS[2]]: [
        4,
        { seq: 1, at: at(DAYS[2], 0), count: 4 },
        // The account wrote this entry after the page had read the total.
        { seq: 2, at: at(DAYS[2], 9) },
        { seq: 3, at: at(DAYS[2], 9) },
      ],
    });
    const read = await readDeniedCalls(management, filters, 50, signal);
    expect([deniedIn(read.rows), read.total, seen.entries]).toEqual([4, 4, 1]);
  });

  it('are cut where the reader has enough', async () => {
    const { management, seen } = gatewayWith({
      [DAYS[0]]: [1, { seq: 1, at: at(DAYS[0], 5) }],
      [DAYS[2]]: [2, { seq: 2, at: at(DAYS[2], 0) }, { seq: 3, at: at(DAYS[2], 1) }],
    });
    const read = await readDeniedCalls(management, filters, 1, signal);
    expect(read.rows.map(({ seq }) => seq)).toEqual([3]);
    expect([read.total, read.isMore, seen.days]).toEqual([3, true, [DAYS[2]]]);
  });
});
