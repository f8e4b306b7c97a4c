import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openAnswerMeter } from '../../../../src/gateway/meter/open-answer-meter.ts';
import { meteredCharge } from '../../../../src/protocol/meter/metered-charge.ts';
import type { Meter, Rates } from '../../../../src/protocol/meter/meter.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const meterOf = (rates: Rates): Meter => ({
  ...{ usage: { from: 'gateway' }, rates },
  ...{ readOn: { seconds: 25, bytes: 1 }, idleSeconds: 30 },
});

const open = (rates: Rates, maximum: bigint, type = 'text/event-stream') =>
  openAnswerMeter({
    ...{ headers: new Headers({ 'content-type': type }), startedAt: 1_000_000, maximum },
    ...{ meter: meterOf(rates), rates },
  });

/** One atomic unit for each. */
const ONE = '$0.000001';
const EVENT = 'data: x\n\n';

describe('what the gateway counts', () => {
  it('is events, bytes and started seconds', () => {
    const meter = open({ events: ONE, bytes: ONE, seconds: ONE }, 1_000n);
    expect(meter.write(bytes(EVENT + EVENT), 1_000_100)).toBe(18);
    expect(meter.write(bytes(': comment\n\ndata: half'), 1_001_500)).toBe(21);
    expect(meter.end(1_002_001)).toEqual({
      usage: { events: 2, bytes: 39, seconds: 3 },
      ...{ isWhole: true, isEnded: true },
    });
  });

  it('is one event of an answer that is not an event stream', () => {
    const meter = open({ events: ONE }, 10n, 'application/json');
    expect(meter.write(bytes('{"a":1}'), 1_000_000)).toBe(7);
    expect(meter.end(1_000_000).usage).toEqual({ events: 1, bytes: 7, seconds: 0 });
  });

  it('never runs backwards with the clock', () => {
    const meter = open({ seconds: ONE }, 10n);
    meter.write(bytes(EVENT), 1_002_000);
    expect(meter.end(999_000).usage).toMatchObject({ seconds: 2 });
  });
});

describe('an answer that reaches the maximum', () => {
  it('ends after the last event that is paid for', () => {
    const meter = open({ events: ONE }, 2n);
    expect(meter.write(bytes(EVENT + EVENT + EVENT), 1_000_000)).toBe(18);
    expect(meter.isBetweenEvents()).toBe(true);
    expect(meter.write(bytes(EVENT), 1_000_000)).toBe(0);
    expect(meter.end(1_000_000).usage).toMatchObject({ events: 2, bytes: 18 });
  });

  it('has not reached it if the upstream ends there itself', () => {
    const meter = open({ events: ONE }, 2n);
    expect(meter.write(bytes(EVENT + EVENT), 1_000_000)).toBe(18);
    expect(meter.end(1_000_000).usage).toMatchObject({ events: 2 });
  });

  it('ends after an event that was split over chunks', () => {
    const meter = open({ events: ONE }, 1n);
    const passed = ['da', 'ta: x\r', '\n\r', '\ndata: y', '\n\n'].map((text) =>
      meter.write(bytes(text), 1_000_000),
    );
    expect(passed).toEqual([2, 6, 2, 0, 0]);
  });

  it('ends at the byte if it is not an event stream', () => {
    const meter = open({ bytes: '$0.000001 per 10' }, 3n, 'application/octet-stream');
    expect(meter.write(new Uint8Array(25), 1_000_000)).toBe(25);
    expect(meter.write(new Uint8Array(25), 1_000_000)).toBe(5);
    expect(meter.write(new Uint8Array(25), 1_000_000)).toBe(0);
    expect(meter.end(1_000_000).usage).toMatchObject({ bytes: 30 });
  });

  it('passes on the rest of a started event, at most 64 KiB of it', () => {
    const meter = open({ bytes: ONE }, 10n);
    expect(meter.write(bytes('data: 0123456789\n\ndata: x\n\n'), 1_000_000)).toBe(18);
    const endless = open({ bytes: ONE }, 10n);
    expect(endless.write(bytes('data: 0123'), 1_000_000)).toBe(10);
    expect(endless.write(new Uint8Array(65_000).fill(120), 1_000_000)).toBe(65_000);
    expect(endless.write(new Uint8Array(65_000).fill(120), 1_000_000)).toBe(536);
    expect(endless.isBetweenEvents()).toBe(false);
    expect(endless.write(bytes('x\n\n'), 1_000_000)).toBe(0);
  });

  it('ends when the maximum pays for no more time', () => {
    const meter = open({ seconds: ONE }, 5n);
    expect(meter.remainingMs(1_000_000)).toBe(5_000);
    expect(meter.write(bytes(EVENT), 1_001_500)).toBe(9);
    expect(meter.remainingMs(1_001_500)).toBe(3_500);
    expect(meter.write(bytes(EVENT), 1_005_000)).toBe(9);
    expect(meter.remainingMs(1_005_000)).toBe(0);
    expect(meter.write(bytes(EVENT), 1_005_001)).toBe(0);
    expect(open({ events: ONE }, 5n).remainingMs(1_000_000)).toBeUndefined();
  });

  it('costs at most the maximum, and has no unpaid event', () => {
    const rates = fc.record(
      { events: fc.constantFrom(ONE, '$0.000007'), bytes: fc.constantFrom(ONE, '$0.000001 per 7') },
      { requiredKeys: [] },
    );
    const chunks = fc.array(fc.stringMatching(/^(?:data: [a-z]{0,9}|\n|: c)*$/), { maxLength: 20 });
    fc.assert(
      fc.property(rates, fc.bigInt(1n, 60n), chunks, (some, maximum, texts) => {
        const list = Object.keys(some).length === 0 ? { events: ONE } : some;
        const meter = open(list as Rates, maximum);
        let isOver = false;
        let passed = 0;
        for (const text of texts) {
          const chunk = bytes(text);
          const more = meter.write(chunk, 1_000_000);
          expect(more).toBeLessThanOrEqual(chunk.length);
          if (isOver) expect(more).toBe(0);
          isOver ||= more < chunk.length;
          passed += more;
        }
        const reading = meter.end(1_000_000);
        expect(reading.usage['bytes']).toBe(passed);
        const terms = meterOf(list as Rates);
        const charge = meteredCharge(terms, list as Rates, reading, 'complete', maximum);
        if (charge.kind !== 'charged') throw new Error('nothing to fail');
        expect(charge.amount).toBeLessThanOrEqual(maximum);
        // Only an answer whose maximum is used up ends early.
        const { events = 0 } = reading.usage;
        const next = { ...reading.usage, events: events + 1, bytes: passed + 1 };
        const more = meteredCharge(
          { ...terms, min: '0' },
          list as Rates,
          { ...reading, usage: next },
          'complete',
          maximum + 1n,
        );
        if (isOver) expect(more).toMatchObject({ amount: maximum + 1n });
      }),
      { numRuns: 1_000 },
    );
  });
});
