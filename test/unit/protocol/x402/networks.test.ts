import { DEFAULT_ASSETS } from '@x402/evm';
import { describe, expect, it } from 'vitest';
import { chainIdOf } from '../../../../src/protocol/account-id.ts';
import { isAddress } from '../../../../src/core/hex.ts';
import { tokenNetworks, tokenOf } from '../../../../src/protocol/x402/networks.ts';

const published = new Map(Object.entries(DEFAULT_ASSETS));

const OLD_TESTNETS: Record<
  string,
  { asset: string; name: string; version: string; decimals: number }
> = {
  'eip155:43113': {
    asset: '0x5425890298aed601595a70AB815c96711a31Bc65',
    name: 'USD Coin',
    version: '2',
    decimals: 6,
  },
  'eip155:80002': {
    asset: '0x41E94Eb019C0762f9Bfcf9Fb1E58725BfB0e7582',
    name: 'USDC',
    version: '2',
    decimals: 6,
  },
};

describe('tokenOf', () => {
  it.each(tokenNetworks)('agrees with @x402/evm on %s, where that names a token', (network) => {
    const token = tokenOf(network);
    if (token === undefined) throw new Error('is listed and must be known');
    expect(chainIdOf(network)).toBeDefined();
    expect(isAddress(token.address)).toBe(true);
    // Only x402 1.2.0 names these testnets.
    const asset = OLD_TESTNETS[network] ?? published.get(network)?.[0];
    expect(asset).toMatchObject({ name: token.name, version: token.version, decimals: 6 });
    expect(asset?.asset.toLowerCase()).toBe(token.address);
    expect(asset).not.toHaveProperty('assetTransferMethod');
  });

  it('has the chains with the most payments', () => {
    for (const chainId of [1, 137, 8453, 42161, 43114, 84532] as const) {
      expect(tokenOf(`eip155:${chainId}`)).toBeDefined();
    }
  });

  it('has no token on other chains', () => {
    expect(tokenOf('eip155:4326')).toBeUndefined();
  });
});
