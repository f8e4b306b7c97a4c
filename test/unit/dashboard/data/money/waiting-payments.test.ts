import { describe, expect, it } from 'vitest';
import {
  lateBefore,
  type Payment,
  paymentsIn,
  sumOfPayments,
  urgencyOf,
} from '../../../../../src/dashboard/data/money/waiting-payments.ts';

const USDC = 'eip155:84532/erc20:0x036cbd53842c5426634e7929541ec2318f3dcf7e';

const rows = (items: readonly object[]) => ({
  ...{ items: items as readonly Payment[], isMore: false, asOf: undefined },
});

describe('the stages of payments', () => {
  it('count each open payment in exactly one age, and all of them as open', () => {
    const ages = [0, 59, 60, 899, 900, 86_400].map((age) => ({ age }));
    const waiting = { open: rows(ages), kept: rows([{}]) };
    const counted = (['new', 'slow', 'late'] as const).flatMap((stage) =>
      paymentsIn(waiting, stage),
    );
    expect(counted).toEqual(ages);
    expect(paymentsIn(waiting, 'open')).toEqual(ages);
    expect(paymentsIn(waiting, 'kept')).toHaveLength(1);
  });

  it('have as late the payments that the overview counts as late', () => {
    const now = 1_800_000_000;
    for (const age of [0, 899, 900, 901]) {
      const waiting = { open: rows([{ age }]), kept: rows([]) };
      const isLate = now - age < lateBefore(now);
      expect(paymentsIn(waiting, 'late').length === 1, `${age} s`).toBe(isLate);
    }
  });

  it.each([
    ['none', [], undefined],
    ['one of 59 seconds', [59], undefined],
    ['one of a minute', [60, 1], 'warn'],
    ['one of 15 minutes', [1, 900, 60], 'bad'],
  ])('are as urgent as the oldest open payment: %s', (_, ages, urgency) => {
    expect(urgencyOf({ open: rows(ages.map((age) => ({ age }))), kept: rows([{}]) })).toBe(urgency);
  });

  it('add up each asset by itself', () => {
    const sums = sumOfPayments([
      { asset: USDC, amount: '1000' },
      { asset: 'iso4217:USD', amount: '7' },
      { asset: USDC, amount: '9007199254740993' },
    ]);
    expect(sums).toEqual(
      new Map([
        [USDC, 9_007_199_254_741_993n],
        ['iso4217:USD', 7n],
      ]),
    );
  });
});
