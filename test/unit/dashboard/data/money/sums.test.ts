import { describe, expect, it } from 'vitest';
import { addSums, areEqual, sumsOf } from '../../../../../src/dashboard/data/money/sums.ts';

const rows = (...amounts: readonly (readonly [asset: string | undefined, amount: string])[]) =>
  sumsOf(
    amounts.map(([asset, amount]) => ({ asset, amount })),
    ({ amount }) => amount,
  );

describe('sums', () => {
  it('add up each asset alone, beyond safe integers', () => {
    const sums = rows(['a', '9007199254740993'], ['b', '7'], ['a', '9007199254740993']);
    expect(sums).toEqual(
      new Map([
        ['a', 18_014_398_509_481_986n],
        ['b', 7n],
      ]),
    );
  });

  it('have no asset that adds up to zero, so that they equal sums without it', () => {
    const refunded = addSums(rows(['a', '5'], ['b', '1']), rows(['a', '-5']));
    expect(refunded).toEqual(new Map([['b', 1n]]));
    expect(areEqual(refunded, rows(['b', '1']))).toBe(true);
  });

  it('differ by an amount, or by an asset that one of them lacks', () => {
    for (const other of [rows(['a', '2']), rows(['b', '1']), rows(['a', '1'], ['b', '1']), rows()])
      expect(areEqual(rows(['a', '1']), other)).toBe(false);
  });

  it('keep rows without an asset apart', () => {
    expect(rows([undefined, '3'], ['a', '1'])).toEqual(
      new Map([
        ['', 3n],
        ['a', 1n],
      ]),
    );
  });
});
