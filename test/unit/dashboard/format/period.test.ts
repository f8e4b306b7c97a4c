import { describe, expect, it } from 'vitest';
import { periodOf, secondsOf } from '../../../../src/dashboard/format/period.ts';

const TODAY = '2026-03-01';

describe('periodOf', () => {
  it('ends today and has as many days as the page shows', () => {
    expect(periodOf({}, TODAY, 7)).toEqual({ from: '2026-02-23', to: TODAY });
  });

  it('counts the days back from the last one that a person chose', () => {
    const chosen = periodOf({ to: '2026-01-02' }, TODAY, 2);
    expect(chosen).toEqual({ from: '2026-01-01', to: '2026-01-02' });
  });

  it('keeps the first day that a person chose', () => {
    expect(periodOf({ from: '2025-01-01' }, TODAY, 7)).toEqual({ from: '2025-01-01', to: TODAY });
  });
});

describe('secondsOf', () => {
  it('includes the last day', () => {
    const [start, end] = secondsOf({ from: TODAY, to: TODAY });
    expect([start, end - start]).toEqual([Date.UTC(2026, 2, 1) / 1000, 86_400]);
  });
});
