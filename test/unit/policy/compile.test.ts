import { describe, expect, it } from 'vitest';
import { compileDelegation } from '../../../src/policy/compile.ts';
import { DELEGATION } from '../protocol/intent/wire.ts';

const compile = (change: Partial<typeof DELEGATION> = {}) =>
  compileDelegation({ ...DELEGATION, ...change }, 'eip155:84532');

describe('compileDelegation', () => {
  it('makes the published grant a policy, each field a limit', () => {
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

  it('keeps empty lists: they allow nothing, and absence would allow all', () => {
    expect(compile({ tools: [], payees: [] })).toMatchObject({ tools: [], payees: [] });
  });

  it('allows no asset where the grant names none', () => {
    expect(compile({ asset: `0x${'00'.repeat(20)}` }).assets).toEqual([]);
  });

  it('has no window where it has no length, and one that allows nothing where its amount is zero', () => {
    expect(compile({ windowSeconds: 0n }).windows).toEqual([]);
    expect(compile({ maxPerWindow: 0n }).windows).toEqual([{ every: 86_400, limit: 0n }]);
  });

  it('keeps a total of zero as a limit', () => {
    expect(compile({ maxTotal: 0n, maxPerCall: 0n })).toMatchObject({ lifetime: 0n, perCall: 0n });
  });

  it('holds amounts above what storage takes at that', () => {
    const huge = (1n << 256n) - 1n;
    const top = BigInt(Number.MAX_SAFE_INTEGER);
    const policy = compile({ maxPerCall: huge, maxTotal: top + 1n, maxPerWindow: huge });
    expect(policy).toMatchObject({ perCall: top, lifetime: top, windows: [{ limit: top }] });
  });
});
