import { describe, expect, it } from 'vitest';
import { ratesText } from '../../../../../src/dashboard/data/tools/rates-text.ts';

const meter = { usage: 'openai', rates: { input_tokens: '$0.15 per 1000000' }, missing: 'none' };

describe('the rates of a tool', () => {
  it('are shown in words, with maximum and minimum', () => {
    expect(ratesText({ price: { max: '$0.05', min: '100u', meter } })).toBe(
      '$0.15 per million input tokens, at most $0.05 a call, at least $0.0001',
    );
  });

  it.each([
    '$0.02',
    { max: '$0.05' },
    { max: '$0.05', meter: {} },
    { max: '$0.05', meter: { rates: null } },
    { max: '$0.05', meter: { rates: { a: 5 } } },
  ])('are not shown for %j', (price) => {
    expect(ratesText({ price })).toBeUndefined();
  });
});
