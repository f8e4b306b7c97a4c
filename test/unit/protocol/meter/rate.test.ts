import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Rates, Usage, UsageSource } from '../../../../src/protocol/meter/meter.ts';
import { affordable, costOf, parseRate, tariffOf } from '../../../../src/protocol/meter/rate.ts';

const GATEWAY: UsageSource = { from: 'gateway' };
const CACHED: UsageSource = {
  from: 'answer',
  answer: '/usage',
  events: [],
  units: {
    input: { pointers: ['/input'] },
    cached: { pointers: ['/cached'], within: 'input' },
    output: { pointers: ['/output'] },
  },
  reports: 'final',
};

const cost = (rates: Rates, usage: Usage, source: UsageSource = GATEWAY): bigint =>
  costOf(tariffOf(rates, source), usage);

/**
 * The cost by another way: the smallest whole number of atomic units that is not below the sum, found by bisection over products of all
 * denominators, which are never reduced. Dollars are read digit by digit.
 */
const slowCost = (rates: Rates, usage: Usage): bigint => {
  const lines = Object.entries(rates).map(([unit, text]) => {
    const [dollars = '', per = '1'] = text.slice(1).split(' per ');
    let numerator = 0n;
    let denominator = BigInt(per);
    let isFraction = false;
    for (const digit of dollars) {
      if (digit === '.') isFraction = true;
      else {
        numerator = numerator * 10n + BigInt(digit);
        if (isFraction) denominator *= 10n;
      }
    }
    return { numerator: numerator * 1_000_000n * BigInt(usage[unit] ?? 0), denominator };
  });
  const product = lines.reduce((all, { denominator }) => all * denominator, 1n);
  const sum = lines.reduce(
    (all, { numerator, denominator }) => all + numerator * (product / denominator),
    0n,
  );
  let [low, high] = [-1n, 1n];
  while (high * product < sum) high *= 2n;
  while (high - low > 1n) {
    const middle = (low + high) / 2n;
    if (middle * product < sum) low = middle;
    else high = middle;
  }
  return high;
};

const digits = (most: number) => fc.stringMatching(new RegExp(`^[0-9]{1,${most}}$`));
const rate = fc
  .tuple(
    fc.nat(999_999_999),
    fc.option(digits(12)),
    fc.option(fc.integer({ min: 1, max: 1e12 - 1 })),
  )
  .map(
    ([whole, fraction, per]) =>
      `$${whole}${fraction === null ? '' : `.${fraction}`}${per === null ? '' : ` per ${per}`}`,
  );
const UNITS = ['a', 'b', 'c', 'd'];
const rates = fc.dictionary(fc.constantFrom(...UNITS), rate, { minKeys: 1, noNullPrototype: true });
const usage = fc.dictionary(fc.constantFrom(...UNITS), fc.nat(1e12), { noNullPrototype: true });

describe('a rate', () => {
  it.each([
    ['$0.15 per 1000000', 15n * 1_000_000n, 100n * 1_000_000n],
    ['$0.02', 2n * 1_000_000n, 100n],
    ['$3 per 1000', 3n * 1_000_000n, 1_000n],
    ['$0', 0n, 1n],
    ['$0.000000000001', 1_000_000n, 10n ** 12n],
  ])('reads %s exactly', (text, numerator, denominator) => {
    expect(parseRate(text)).toEqual({ numerator, denominator });
  });

  it.each([
    '0.15',
    '$.15',
    '$1.',
    '$01',
    '$-1',
    '$1e3',
    '$1 per 0',
    '$1 per 01',
    '$1 per 1.5',
    '$1 per million',
    '$1  per 10',
    '$1 per 10 ',
    '$1/1000',
    '$0.0000000000001',
    '$1000000000',
    '$1 per 1000000000000',
    '$1\n',
    '',
  ])('rejects %j', (text) => {
    expect(parseRate(text)).toBeUndefined();
  });
});

describe('the cost of usage', () => {
  it.each<[string, Rates, Usage, bigint]>([
    ['nothing', { a: '$1' }, {}, 0n],
    ['a unit without a rate', { a: '$1' }, { b: 7 }, 0n],
    ['a thousand tokens', { a: '$0.15 per 1000000' }, { a: 1_000 }, 150n],
    ['one token, rounded up', { a: '$0.15 per 1000000' }, { a: 1 }, 1n],
    ['the smallest rate', { a: '$0.000000000001 per 999999999999' }, { a: 1 }, 1n],
    // 1/3 + 1/3 + 1/3: each alone would round up to 1.
    ['a sum that rounds once', { a: '$0.000001 per 3', b: '$0.000001 per 3' }, { a: 2, b: 1 }, 1n],
    ['a sum just above a unit', { a: '$0.000001 per 3' }, { a: 4 }, 2n],
    ['the largest usage', { a: '$999999999' }, { a: 1e12 }, 999_999_999n * 10n ** 18n],
  ])('of %s is exact', (_name, list, used, expected) => {
    expect(cost(list, used)).toBe(expected);
  });

  it('is that of a slow exact reference', () => {
    fc.assert(
      fc.property(rates, usage, (list, used) => {
        expect(cost(list, used)).toBe(slowCost(list, used));
      }),
      { numRuns: 2_000 },
    );
  });

  it('never falls when usage grows', () => {
    fc.assert(
      fc.property(
        rates,
        usage,
        fc.constantFrom(...UNITS),
        fc.nat(1e6),
        (list, used, unit, more) => {
          const grown = { ...used, [unit]: (used[unit] ?? 0) + more };
          expect(cost(list, grown)).toBeGreaterThanOrEqual(cost(list, used));
        },
      ),
    );
  });

  it('counts a part at its own rate and takes it out of its whole', () => {
    const list = { input: '$1 per 1000', cached: '$0.1 per 1000', output: '$2 per 1000' };
    const used = { input: 100, cached: 40, output: 10 };
    // 60 at 1000, 40 at 100, 10 at 2000 atomic units.
    expect(cost(list, used, CACHED)).toBe(60_000n + 4_000n + 20_000n);
  });

  it('counts a part without a rate in its whole', () => {
    const list = { input: '$1 per 1000' };
    expect(cost(list, { input: 100, cached: 40 }, CACHED)).toBe(100_000n);
  });

  it('is not below that of the parts if a broken stream has reported no whole yet', () => {
    const list = { input: '$1 per 1000', cached: '$0.1 per 1000' };
    expect(cost(list, { cached: 40 }, CACHED)).toBe(4_000n);
  });
});

describe('the units that a maximum still pays for', () => {
  it('are the most that do not cost more than it', () => {
    fc.assert(
      fc.property(rates, usage, fc.bigInt(0n, 10n ** 16n), (list, used, maximum) => {
        const tariff = tariffOf(list, GATEWAY);
        const unit = Object.keys(list)[0] ?? '';
        const more = affordable(tariff, used, unit, maximum);
        if (more === undefined) {
          expect(parseRate(list[unit] ?? '')?.numerator).toBe(0n);
          return;
        }
        const costing = (count: bigint): bigint => {
          const rest = BigInt(used[unit] ?? 0) + count;
          if (rest > BigInt(Number.MAX_SAFE_INTEGER)) return -1n;
          return costOf(tariff, { ...used, [unit]: Number(rest) });
        };
        if (more < 0n) expect(costing(0n)).toBeGreaterThan(maximum);
        else {
          expect(costing(more)).toBeLessThanOrEqual(maximum);
          const next = costing(more + 1n);
          if (next >= 0n) expect(next).toBeGreaterThan(maximum);
        }
      }),
      { numRuns: 1_000 },
    );
  });
});
