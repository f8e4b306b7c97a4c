import { describe, expect, it } from 'vitest';
import {
  meterWords,
  restWords,
  usageWords,
  type WordedMeter,
} from '../../../../src/protocol/meter/meter-words.ts';

const MAX = 50_000n;
const TOKENS = { input_tokens: '$0.15 per 1000000', output_tokens: '$0.60 per 1000000' };
const words = (meter: WordedMeter): string => meterWords(meter, MAX);
const priced = (unit: string, rate: string): string =>
  words({ rates: { [unit]: rate } }).replace(', at most $0.05 a call', '');

describe('a metered price in words', () => {
  it('states rates, maximum, minimum, and what missing usage costs', () => {
    expect(words({ rates: TOKENS, missing: 'none' })).toBe(
      '$0.15 per million input tokens and $0.60 per million output tokens, at most $0.05 a call',
    );
    expect(words({ rates: TOKENS, missing: 'max', min: '100' })).toBe(
      '$0.15 per million input tokens and $0.60 per million output tokens, at most $0.05 a call, at least $0.0001; $0.05 if a complete answer reports no usage',
    );
  });

  it.each([
    ['images', '$0.02', '$0.02 per image'],
    ['queries', '$1', '$1.00 per query'],
    ['searches', '$0.5', '$0.50 per search'],
    ['boxes', '$0.5 per 1', '$0.50 per box'],
    ['images', '$0.020', '$0.02 per image'],
    ['bytes', '$0.000001 per 1000', '$0.000001 per thousand bytes'],
    ['events', '$2 per 1000000000', '$2.00 per billion events'],
    ['seconds', '$0.3 per 60', '$0.30 per 60 seconds'],
    ['cached_input_tokens', '$0 per 1000', 'nothing for cached input tokens'],
    ['bytes', '$0.00', 'nothing for bytes'],
    ['process', '$1', '$1.00 per process'],
  ])('writes a rate for %s at %s', (unit, rate, expected) => {
    expect(priced(unit, rate)).toBe(expected);
  });

  it('joins three rates', () => {
    expect(words({ rates: { a: '$1', b: '$2', c: '$3' } })).toBe(
      '$1.00 per a, $2.00 per b and $3.00 per c, at most $0.05 a call',
    );
  });

  it('states the rates of each value, and what applies to others', () => {
    const values = { small: { bytes: '$1' }, large: { bytes: '$5' } };
    expect(words({ rates: 'not sold', ratesBy: { param: 'model', values } })).toBe(
      'small: $1.00 per byte; large: $5.00 per byte; any other model is not sold; at most $0.05 a call',
    );
    expect(words({ rates: { bytes: '$9' }, ratesBy: { param: 'model', values } })).toContain(
      '; any other model: $9.00 per byte; at most',
    );
  });

  it('shortens a long list of values', () => {
    const values = Object.fromEntries(['a', 'b', 'c', 'd', 'e'].map((name) => [name, TOKENS]));
    const text = words({ rates: 'not sold', ratesBy: { param: 'model', values } });
    expect(text).toContain('; 2 more by model; any other model is not sold');
    expect(text).not.toContain('d: ');
  });

  it('states which payments move more than the charge, only for a tool that accepts payments', () => {
    expect(restWords({ exact: true })).toBe(
      'A payment of the scheme exact, or one that settles before the call, moves the maximum, and what is not charged becomes credit.',
    );
    expect(restWords({ exact: false })).toBe(
      'A payment that settles before the call moves the maximum, and what is not charged becomes credit.',
    );
    expect(restWords({})).toBeUndefined();
  });
});

describe('usageWords', () => {
  it('states each count, in the singular where it is one', () => {
    expect(usageWords({ input_tokens: 2, output_tokens: 1, bytes: 0 })).toBe(
      '2 input tokens, 1 output token and 0 bytes',
    );
    expect(usageWords({ events: 1 })).toBe('1 event');
  });

  it.each([undefined, null, [], 'x', {}, { tokens: -0.5 }, { 'a"b': 1 }, { tokens: '7' }])(
    'leaves out what a log may hold instead: %j',
    (usage) => {
      expect(usageWords(usage)).toBeUndefined();
    },
  );
});
