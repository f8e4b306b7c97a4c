import { limitHeaders } from '../../../src/gateway/answer-headers.ts';
import { parseList } from 'structured-headers';
import { describe, expect, it } from 'vitest';

const window = {
  rule: 'window:day',
  limit: '20000000',
  spent: '5000000',
  held: '1000000',
  remaining: '14000000',
  resetsAt: 1_000_060,
  window: 86_400,
};
const rate = { rule: 'rate', limit: '600', spent: '1', held: '0', remaining: '599', window: 60 };

describe('limitHeaders', () => {
  it('state quota, window, remaining amount and reset time', () => {
    expect(limitHeaders([window, rate], 1_000_000)).toEqual({
      'RateLimit-Policy': '"window:day";q=20000000;qu="atomic-units";w=86400, "rate";q=600;w=60',
      RateLimit: '"window:day";r=14000000;t=60, "rate";r=599',
    });
  });

  it('are absent without limits', () => {
    expect(limitHeaders([], 0)).toEqual({});
  });

  it('contain no negative time, and no integer beyond RFC 9651', () => {
    const headers = limitHeaders(
      [{ ...window, limit: '9007199254740991', remaining: '9007199254740991' }],
      2_000_000,
    );
    expect(headers).toEqual({
      'RateLimit-Policy': '"window:day";q=999999999999999;qu="atomic-units";w=86400',
      RateLimit: '"window:day";r=999999999999999;t=0',
    });
    for (const value of Object.values(headers)) expect(parseList(value)).toHaveLength(1);
  });
});
