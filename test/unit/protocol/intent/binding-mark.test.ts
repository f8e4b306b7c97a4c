import { describe, expect, it } from 'vitest';
import { BOUND_VALID_AFTER, bindingMarkOf } from '../../../../src/protocol/intent/binding-mark.ts';
import vectors from '../../../vectors/countersign-v1.json';

describe('the binding mark', () => {
  it('is the published value: "Coun" in ASCII', () => {
    expect(BOUND_VALID_AFTER.toString()).toBe(vectors.boundValidAfter);
    expect(Buffer.from(BOUND_VALID_AFTER.toString(16), 'hex').toString()).toBe('Coun');
  });

  it.each([
    [0n, 'none'],
    [BOUND_VALID_AFTER - 1n, 'none'],
    [BOUND_VALID_AFTER, 'eip3009-nonce'],
    [BOUND_VALID_AFTER + 1n, 'unknown'],
    [BOUND_VALID_AFTER + 128n, 'unknown'],
    [BOUND_VALID_AFTER + 255n, 'unknown'],
    [BOUND_VALID_AFTER + 256n, 'none'],
    [-BOUND_VALID_AFTER, 'none'],
    [BOUND_VALID_AFTER + (1n << 32n), 'none'],
    [BOUND_VALID_AFTER + (1n << 64n), 'none'],
    [(1n << 256n) - 1n, 'none'],
  ] as const)('of validAfter %s is %s', (validAfter, mark) => {
    expect(bindingMarkOf(validAfter)).toBe(mark);
  });
});
