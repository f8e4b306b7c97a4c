import { describe, expect, it } from 'vitest';
import { chargeNote } from '../../../../src/dashboard/format/charge.ts';

describe('the note of a charge', () => {
  it('names the credit that a top-up bought, which its spend leaves out', () => {
    expect(chargeNote({ tool: 'countersign.credits', spent: '0', charged: '2000000' })).toBe(
      'top-up of 2.00',
    );
  });

  it('names what was refunded after the end', () => {
    expect(chargeNote({ tool: 'lookup', spent: '1000', charged: '1000', refunded: '400' })).toBe(
      'refunded 0.0004',
    );
  });

  it('names what an operator decided after the end', () => {
    expect(chargeNote({ tool: 'silent', spent: '0', charged: '1000' })).toBe(
      'later decided: 0.001',
    );
  });

  it('is absent where the charge is the spend, and while a call runs', () => {
    expect(chargeNote({ tool: 'lookup', spent: '1000', charged: '1000' })).toBeUndefined();
    expect(chargeNote({ tool: 'lookup' })).toBeUndefined();
    expect(chargeNote({ tool: 'lookup', charged: '1000' })).toBeUndefined();
  });
});
