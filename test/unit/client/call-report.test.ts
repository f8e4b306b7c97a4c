import { creditIn, limitsOf } from '../../../src/client/call-report.ts';
import { limitHeaders } from '../../../src/gateway/answer-headers.ts';
import { NOW } from './server.ts';
import { describe, expect, it } from 'vitest';

const window = (seconds: number, remaining: string) => ({
  rule: 'window' as const,
  account: `eip155:84532:0x${'ab'.repeat(20)}` as const,
  limit: '1000000',
  spent: '0',
  held: '0',
  remaining,
  window: seconds,
  resetsAt: NOW + 30,
});

describe('limitsOf', () => {
  it('reads limits as the gateway writes them, each with its own window', () => {
    const headers = new Headers(limitHeaders([window(60, '5'), window(3600, '7')] as never, NOW));
    expect(limitsOf(headers)).toEqual([
      { rule: 'window', limit: 1_000_000n, remaining: 5n, window: 60, resetsIn: 30 },
      { rule: 'window', limit: 1_000_000n, remaining: 7n, window: 3600, resetsIn: 30 },
    ]);
  });

  it('skips malformed limits', () => {
    for (const value of ['"a";r=', '"a"', 'a;r=1', '"a";r=-1', '"a";r=1.5', 'x'.repeat(9000)]) {
      expect(limitsOf(new Headers({ RateLimit: value }))).toEqual([]);
    }
    expect(limitsOf(new Headers())).toEqual([]);
  });

  it('distinguishes credit, no credit, and no limits at all', () => {
    expect(creditIn(new Headers({ RateLimit: '"credit";r=5' }))).toBe(5n);
    expect(creditIn(new Headers({ RateLimit: '"rate";r=5' }))).toBe(0n);
    expect(creditIn(new Headers())).toBeUndefined();
  });
});
