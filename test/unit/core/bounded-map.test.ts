import { describe, expect, it } from 'vitest';
import { memoize } from '../../../src/core/bounded-map.ts';

const counted = (limit: number) => {
  let made = 0;
  const memo = memoize(
    limit,
    (input: number) => input,
    (input: number) => {
      made += 1;
      return `value ${input}`;
    },
  );
  return { memo, made: () => made };
};

describe('memoize', () => {
  it('computes a result once', () => {
    const { memo, made } = counted(2);
    expect([memo(1), memo(1), memo(2), memo(1)]).toEqual([
      'value 1',
      'value 1',
      'value 2',
      'value 1',
    ]);
    expect(made()).toBe(2);
  });

  it('evicts the oldest result beyond its limit', () => {
    const { memo, made } = counted(2);
    memo(1);
    memo(2);
    memo(3);
    expect(made()).toBe(3);
    memo(3);
    memo(2);
    expect(made()).toBe(3);
    memo(1);
    expect(made()).toBe(4);
  });
});
