import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatDollars,
  MAX_STORED,
  parseAmount,
  parseMoney,
  parseMoneyOption,
} from '../../../src/protocol/amount.ts';

/** A text, and the value that each of the three notations reads. Undefined where the notation rejects it. */
type Row = readonly [
  text: string,
  wire: bigint | undefined,
  document: bigint | undefined,
  option: bigint | undefined,
];

const NO = undefined;

describe('amounts', () => {
  it.each<Row>([
    ['$0.02', NO, 20_000n, 20_000n],
    ['$15', NO, 15_000_000n, 15_000_000n],
    ['20000u', NO, 20_000n, 20_000n],
    // A number without a unit is atomic units on the wire and dollars on the command line. Where both readers meet, it is rejected.
    ['15', 15n, NO, 15_000_000n],
    ['0', 0n, NO, 0n],
    ['0.02', NO, NO, 20_000n],
    ['0.000001', NO, NO, 1n],
    ['$0', NO, 0n, 0n],
    ['0u', NO, 0n, 0n],
    ['$9007199254.740991', NO, MAX_STORED, MAX_STORED],
    ['9007199254740991u', NO, MAX_STORED, MAX_STORED],
    ['9007199254740992u', NO, NO, NO],
    ['$9007199254.740992', NO, NO, NO],
    ['$0.0000001', NO, NO, NO],
    ['0.0000001', NO, NO, NO],
    ['$1,000', NO, NO, NO],
    ['$.5', NO, NO, NO],
    ['.5', NO, NO, NO],
    ['5.', NO, NO, NO],
    ['05', NO, NO, NO],
    ['05u', NO, NO, NO],
    ['-5', NO, NO, NO],
    ['$-5', NO, NO, NO],
    ['+5', NO, NO, NO],
    ['1e3', NO, NO, NO],
    ['0x10', NO, NO, NO],
    ['5U', NO, NO, NO],
    ['0.5u', NO, NO, NO],
    ['$5u', NO, NO, NO],
    [' 5', NO, NO, NO],
    ['5\n', NO, NO, NO],
    ['', NO, NO, NO],
    ['$', NO, NO, NO],
    ['u', NO, NO, NO],
    ['٥', NO, NO, NO],
  ])('reads %j by the rules of each form', (text, wire, document, option) => {
    expect(parseAmount(text)).toBe(wire);
    expect(parseMoney(text)).toBe(document);
    expect(parseMoneyOption(text)).toBe(option);
  });

  it('round-trips amounts up to the largest that storage can hold', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: MAX_STORED }), (amount) => {
        expect(parseMoney(formatDollars(amount))).toBe(amount);
        expect(parseMoney(`${amount}u`)).toBe(amount);
      }),
    );
  });
});
