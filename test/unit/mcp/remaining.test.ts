import { describe, expect, it } from 'vitest';
import type { Tool } from '../../../src/catalog/tool.ts';
import { remainingFor } from '../../../src/mcp/remaining.ts';
import type { Meter } from '../../../src/protocol/meter/meter.ts';
import type { Rights } from '../../../src/protocol/account/rights.ts';
import { toolOf } from '../gateway/fixture.ts';

const meter: Meter = {
  ...{ usage: { from: 'gateway' }, rates: { bytes: '$1 per 1000' } },
  ...{ readOn: { seconds: 25, bytes: 1 }, idleSeconds: 30 },
};

describe('the remaining calls of a tool above the cap per call', () => {
  const rights = {
    perCall: '999',
    limits: [],
    asset: 'eip155:84532/erc20:0x00',
  } as unknown as Rights;
  const of = (changes: Partial<Tool>) =>
    remainingFor(toolOf({ price: 1_000n, ...changes }), rights);

  it('are none if every call must allow the whole price', () => {
    for (const changes of [{}, { pricing: 'upto', meter } as const]) {
      expect(of(changes)).toEqual({ rule: 'per_call', calls: 0, remaining: '999' });
    }
  });

  it('are not limited if a call may be signed for less', () => {
    expect(of({ pricing: 'upto' })).toBeUndefined();
  });
});
