import { describe, expect, test } from 'vitest';
import { flowOf, type Sale } from '../../../dev/bench/flow.ts';

/** Ten sales a second for a minute, starting four seconds before the measurement. Each settles `delay(at)` seconds later. */
const sales = (delay: (at: number) => number): readonly Sale[] =>
  Array.from({ length: 640 }, (_, number) => {
    const acceptedAt = number / 10 - 4;
    return { acceptedAt, settledAt: acceptedAt + delay(acceptedAt) };
  });

describe('the flow of a sustained load', () => {
  test('is steady where every payment settles after the same time', () => {
    const flow = flowOf(
      sales(() => 3),
      60,
    );
    expect(flow.accepted.values).toEqual([10, 10, 10, 10, 10, 10]);
    expect(flow.settled.values).toEqual([10, 10, 10, 10, 10, 10]);
    expect(flow.backlogGrowth).toBeCloseTo(0, 1);
    for (const mean of flow.backlog) expect(mean).toBeCloseTo(30, 0);
    expect(flow.delay.p50).toBeCloseTo(3);
    expect(flow.delay.p99).toBeCloseTo(3);
  });

  test('shows a backlog that grows where four in ten never settle', () => {
    const flow = flowOf(
      sales((at) => (Math.round(at * 10 + 40) % 10 < 6 ? 1 : Number.POSITIVE_INFINITY)),
      60,
    );
    expect(flow.settled.median).toBe(6);
    expect(flow.backlogGrowth).toBeCloseTo(4, 1);
    expect(flow.delay.p50).toBeCloseTo(1);
    expect(flow.delay.p99).toBe(Number.POSITIVE_INFINITY);
  });

  test('counts the payments of the ramp in the backlog and in no rate or delay', () => {
    const ramp = [{ acceptedAt: -2, settledAt: Number.POSITIVE_INFINITY }];
    const flow = flowOf([...ramp, { acceptedAt: 1, settledAt: 2 }], 20);
    expect(flow.accepted.values).toEqual([0.1, 0]);
    expect(flow.backlog[1]).toBe(1);
    expect(flow.delay.p99).toBe(1);
  });
});
