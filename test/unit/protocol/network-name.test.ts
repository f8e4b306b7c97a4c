import { describe, expect, it } from 'vitest';
import { networkName } from '../../../src/protocol/network-name.ts';
import { tokenNetworks } from '../../../src/protocol/x402/networks.ts';

describe('networkName', () => {
  it('has a name for each network with a pinned token, and no name twice', () => {
    const names = tokenNetworks.map(networkName);
    expect(names.filter((name) => name.startsWith('chain '))).toEqual([]);
    expect(new Set(names).size).toBe(names.length);
  });

  it('falls back to the chain id', () => {
    expect(networkName('eip155:31337')).toBe('chain 31337');
  });
});
