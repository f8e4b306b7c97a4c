import { describe, expect, it } from 'vitest';
import { rebased } from '../../../../../src/dashboard/data/tools/rebase.ts';

describe("a change on top of another operator's version", () => {
  const before = { price: '$1', path: '/a', params: { x: 1 } };

  it('keeps the changes of both', () => {
    const theirs = { ...before, path: '/b', extra: true };
    expect(rebased(before, { ...before, price: '$2' }, theirs)).toEqual({
      document: { price: '$2', path: '/b', params: { x: 1 }, extra: true },
      both: [],
    });
  });

  it('keeps what the person signs where both changed the same member, and names it', () => {
    const mine = { ...before, price: '$2' };
    expect(rebased(before, mine, { ...before, price: '$3' })).toEqual({
      ...{ document: mine, both: ['price'] },
    });
    expect(rebased(before, mine, mine).both).toEqual([]);
  });

  it('removes what the person removed, and leaves out what the other removed', () => {
    const { params: _, ...mine } = before;
    const { path: __, ...theirs } = before;
    expect(rebased<object>(before, mine, theirs)).toEqual({ document: { price: '$1' }, both: [] });
  });
});
