import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Meter, Rates } from '../../../../src/protocol/meter/meter.ts';
import {
  chargeFromEntry,
  meteredCharge,
  type UsageReading,
} from '../../../../src/protocol/meter/metered-charge.ts';
import { costOf, tariffOf } from '../../../../src/protocol/meter/rate.ts';
import { ratesByHash, ratesHash } from '../../../../src/protocol/meter/rates-hash.ts';

const RATES: Rates = { tokens: '$1 per 1000' };
const MAX = 50_000n;

const reported = (reports: 'final' | 'cumulative'): Meter['usage'] => ({
  ...{ from: 'answer', answer: '/usage', events: ['/usage'], reports },
  units: { tokens: { pointers: ['/tokens'] } },
});

const meter = (changes: Partial<Meter> = {}): Meter => ({
  ...{ usage: reported('final'), rates: RATES, missing: 'max' },
  ...{ readOn: { seconds: 25, bytes: 1 }, idleSeconds: 30 },
  ...changes,
});

const { missing: _missing, ...base } = meter();
const COUNTED: Meter = { ...base, usage: { from: 'gateway' }, rates: { bytes: '$1 per 1000' } };

const reading = (
  tokens: number | undefined,
  changes: Partial<UsageReading> = {},
): UsageReading => ({
  ...(tokens === undefined ? { usage: {}, isWhole: false } : { usage: { tokens }, isWhole: true }),
  isEnded: true,
  ...changes,
});

describe('the charge of a metered call', () => {
  it('is the cost of its usage if the answer is complete', () => {
    expect(meteredCharge(meter(), RATES, reading(12), 'complete', MAX)).toEqual({
      kind: 'charged',
      basis: 'metered',
      amount: 12_000n,
      usage: { tokens: 12 },
    });
  });

  it('is at least the minimum of a complete answer, and at most the maximum', () => {
    const most = { kind: 'charged', amount: MAX, usage: { tokens: 51 } };
    expect(meteredCharge(meter(), RATES, reading(51), 'complete', MAX)).toMatchObject(most);
    const floor = meter({ min: '20000' });
    const least = { kind: 'charged', amount: 20_000n, usage: { tokens: 0 } };
    expect(meteredCharge(floor, RATES, reading(0), 'complete', MAX)).toMatchObject(least);
    expect(meteredCharge(floor, RATES, reading(0), 'complete', 7n)).toMatchObject({ amount: 7n });
  });

  it.each<[string, Meter['usage'], bigint, string]>([
    ['what was read so far of a cumulative source', reported('cumulative'), 12_000n, 'partial'],
    ['nothing of a source that reports at the end', reported('final'), 0n, 'broken'],
    ['nothing of a header', { from: 'header', units: { tokens: 'x-tokens' } }, 0n, 'broken'],
  ])('is %s if the answer breaks off', (_name, usage, amount, basis) => {
    const charge = meteredCharge(meter({ usage, min: '20000' }), RATES, reading(12), 'broken', MAX);
    expect(charge).toMatchObject({ kind: 'charged', basis, amount });
  });

  it('is what the gateway has counted if the answer breaks off', () => {
    const counted = { usage: { bytes: 3 }, isWhole: true, isEnded: true };
    const rates = { bytes: '$1 per 1000' };
    expect(meteredCharge(COUNTED, rates, counted, 'broken', MAX)).toMatchObject({
      basis: 'partial',
      amount: 3_000n,
    });
  });

  it('treats a body that ends before the last event of its stream as broken off', () => {
    const cut = reading(undefined, { isEnded: false });
    expect(meteredCharge(meter(), RATES, cut, 'complete', MAX)).toMatchObject({
      basis: 'broken',
      amount: 0n,
    });
  });

  it.each([
    ['max', MAX],
    ['none', 0n],
  ] as const)('of a complete answer without usage is what missing says: %s', (missing, amount) => {
    const charge = meteredCharge(meter({ missing }), RATES, reading(undefined), 'complete', MAX);
    expect(charge).toEqual({ kind: 'charged', basis: 'missing', amount, usage: {} });
  });

  it.each(['complete', 'broken'] as const)('is nothing after a fault, %s', (end) => {
    const fault = { fault: 'huge', unit: 'tokens', got: '1e99' } as const;
    for (const usage of [reported('final'), reported('cumulative')]) {
      const charge = meteredCharge(meter({ usage }), RATES, reading(12, { fault }), end, MAX);
      expect(charge).toEqual({ kind: 'failed', fault, usage: { tokens: 12 } });
    }
  });

  it('never passes the maximum, and a verifier computes it again from the entry', () => {
    const anyMeter = fc.record({
      usage: fc.constantFrom<Meter['usage']>(reported('final'), reported('cumulative')),
      missing: fc.constantFrom('max' as const, 'none' as const),
      min: fc.bigInt(1n, MAX).map(String),
    });
    const anyReading = fc.record({
      usage: fc.record({ tokens: fc.nat(1e12) }, { requiredKeys: [] }),
      isWhole: fc.boolean(),
      isEnded: fc.boolean(),
    });
    fc.assert(
      fc.property(
        anyMeter,
        anyReading,
        fc.constantFrom('complete' as const, 'broken' as const),
        fc.bigInt(0n, MAX),
        (changes, read, end, maximum) => {
          const terms = meter(changes);
          const charge = meteredCharge(terms, RATES, read, end, maximum);
          if (charge.kind !== 'charged') throw new Error('no fault was read');
          expect(charge.amount).toBeGreaterThanOrEqual(0n);
          expect(charge.amount).toBeLessThanOrEqual(maximum);
          expect(chargeFromEntry(terms, RATES, charge, maximum)).toBe(charge.amount);
          // A broken answer never costs more than its usage.
          if (charge.basis === 'partial') {
            const cost = costOf(tariffOf(RATES, terms.usage), read.usage);
            expect(charge.amount).toBeLessThanOrEqual(cost);
          }
        },
      ),
    );
  });
});

describe('a basis that the terms do not allow', () => {
  it.each<[string, Meter, 'metered' | 'partial' | 'missing' | 'broken']>([
    ['usage so far, of a final source', meter(), 'partial'],
    ['nothing, of a cumulative source', meter({ usage: reported('cumulative') }), 'broken'],
    ['nothing, of what the gateway counts', COUNTED, 'broken'],
    ['missing usage, of what the gateway counts', COUNTED, 'missing'],
  ])('has no charge: %s', (_name, terms, basis) => {
    expect(chargeFromEntry(terms, RATES, { basis, usage: { tokens: 1 } }, MAX)).toBeUndefined();
  });
});

describe('the hash of rates', () => {
  it('changes with every rate, and not with the order of the units', () => {
    const hash = ratesHash({ a: '$1', b: '$2' });
    expect(ratesHash({ b: '$2', a: '$1' })).toBe(hash);
    expect(ratesHash({ a: '$1', b: '$2.0' })).not.toBe(hash);
    expect(ratesHash({ a: '$2', b: '$1' })).not.toBe(hash);
  });

  it('finds a list of the meter, also one of a value', () => {
    const [small, large] = [{ tokens: '$1' }, { tokens: '$2' }];
    const terms = meter({ ratesBy: { param: 'model', values: { small, large } } });
    for (const list of [RATES, small, large]) {
      expect(ratesByHash(terms).get(ratesHash(list))).toEqual(list);
    }
    expect(ratesByHash(terms).get(ratesHash({ tokens: '$3' }))).toBeUndefined();
    expect(ratesByHash({ ...terms, rates: 'not sold' }).get(ratesHash(RATES))).toBeUndefined();
  });
});
