import { describe, expect, it } from 'vitest';
import { compileDelegation } from '../../../src/policy/grant.ts';
import { DELEGATION } from '../protocol/intent/wire.ts';

const compile = (change: Partial<typeof DELEGATION> = {}) =>
  compileDelegation({ ...DELEGATION, ...change }, 'eip155:84532');

describe('compileDelegation', () => {
  it('compiles each field of the published grant to a limit', () => {
    expect(compile()).toEqual({
      tools: ['translate', 'search.*'],
      payees: ['0x209693bc6afc0c5328ba36faf03c514ef312287c'],
      assets: ['eip155:84532/erc20:0x036cbd53842c5426634e7929541ec2318f3dcf7e'],
      perCall: 50_000n,
      lifetime: 5_000_000n,
      windows: [{ every: 86_400, limit: 1_000_000n }],
      validFrom: 1_799_990_000,
      validUntil: 1_800_600_000,
      deny: [],
      require: [],
    });
  });

  it('keeps empty lists, which allow nothing', () => {
    expect(compile({ tools: [], payees: [] })).toMatchObject({ tools: [], payees: [] });
  });

  it('allows no asset if the grant names none', () => {
    expect(compile({ asset: `0x${'00'.repeat(20)}` }).assets).toEqual([]);
  });

  it('has no window without a length, and one that allows nothing for a zero amount', () => {
    expect(compile({ windowSeconds: 0n }).windows).toEqual([]);
    expect(compile({ maxPerWindow: 0n }).windows).toEqual([{ every: 86_400, limit: 0n }]);
  });

  it('keeps a total of zero as a limit', () => {
    expect(compile({ maxTotal: 0n, maxPerCall: 0n })).toMatchObject({ lifetime: 0n, perCall: 0n });
  });

  it('caps amounts at the largest storable one', () => {
    const huge = (1n << 256n) - 1n;
    const top = BigInt(Number.MAX_SAFE_INTEGER);
    const policy = compile({ maxPerCall: huge, maxTotal: top + 1n, maxPerWindow: huge });
    expect(policy).toMatchObject({ perCall: top, lifetime: top, windows: [{ limit: top }] });
  });
});
