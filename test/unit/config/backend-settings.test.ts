import { describe, expect, it } from 'vitest';
import { KIND_VARIABLES } from '../../../src/config/backend-settings.ts';
import { parseConfig } from '../../../src/config/config.ts';
import { openBackends } from '../../../src/settlement/backends/registry.ts';
import {
  CHECKSUMMED,
  complete,
  faultsOf,
  namesOf,
  onlyOf,
  relayerOf,
  tools,
} from './config-fixture.ts';

describe('parseConfig', () => {
  it('reads facilitators with all their fields', () => {
    const one = {
      url: 'https://a.example/x402',
      networks: ['eip155:8453', 'eip155:84532'],
      auth: 'cdp',
      concurrency: 16,
      perSecond: 40,
      fee: '1000u',
    };
    const result = parseConfig(
      {
        ...complete,
        FACILITATORS: JSON.stringify([one, { url: 'https://b.example' }]),
        CDP_API_KEY_ID: 'id',
        CDP_API_KEY_SECRET: 'secret',
      },
      tools,
    );
    expect(result).toMatchObject({
      ok: true,
      value: {
        facilitators: [
          { ...one, fee: 1_000n },
          { url: 'https://b.example', auth: 'none', concurrency: 4, fee: 0n },
        ],
        cdpKey: { id: 'id', secret: 'secret' },
      },
    });
  });

  it('reads relayers, with their defaults', () => {
    const address = CHECKSUMMED.toLowerCase();
    const OTHER = `0x${'ef'.repeat(20)}`;
    const RELAYERS = JSON.stringify({
      'eip155:84532': { addresses: [CHECKSUMMED, OTHER] },
      'eip155:8453': {
        addresses: [address],
        signer: 'https://signer.example',
        batch: 20,
        wait: 0,
        maxFeePerGas: '7',
        first: false,
      },
    });
    const result = parseConfig(
      { ...complete, RELAYERS, RELAYER_KEY: ` 0x${'AB'.repeat(32)},0x${'cd'.repeat(32)}` },
      tools,
    );
    expect(result.ok && [...result.value.relayers]).toEqual([
      [
        'eip155:84532',
        {
          addresses: [address, OTHER],
          batch: 100,
          wait: 2,
          maxFeePerGas: 50_000_000_000n,
          first: true,
        },
      ],
      [
        'eip155:8453',
        {
          addresses: [address],
          signer: 'https://signer.example',
          batch: 20,
          wait: 0,
          maxFeePerGas: 7n,
          first: false,
        },
      ],
    ]);
    expect(result.ok && result.value.relayerKeys).toEqual([
      `0x${'ab'.repeat(32)}`,
      `0x${'cd'.repeat(32)}`,
    ]);
  });

  it('needs a facilitator for networks without a relayer', () => {
    const own = { addresses: [CHECKSUMMED], signer: 'https://signer.example' };
    const both = JSON.stringify({ 'eip155:84532': own, 'eip155:8453': own });
    expect(faultsOf({ FACILITATORS: '[]', RELAYERS: both })).toEqual([]);
    expect(faultsOf({ FACILITATORS: '[]', RELAYERS: relayerOf({}) })).toEqual([
      { name: 'FACILITATORS', reason: 'must hold one for eip155:84532, or RELAYERS must' },
    ]);
    const elsewhere = '[{"url": "https://a.example", "networks": ["eip155:84532"]}]';
    expect(faultsOf({ FACILITATORS: elsewhere, RELAYERS: relayerOf({}) })).toEqual([]);
  });

  it.each(KIND_VARIABLES)('accepts a gateway with only %s, and opens a backend of it', (kind) => {
    const one = {
      ...complete,
      PAY_TO: JSON.stringify({ 'eip155:84532': CHECKSUMMED }),
      RPC_URLS: '{"eip155:84532": ["http://127.0.0.1:8545"]}',
    };
    const result = parseConfig({ ...one, ...onlyOf(kind) }, tools);
    if (!result.ok) throw new Error(JSON.stringify(result.error));
    const deps = { emit: () => undefined, relayer: () => ({ relay: async () => [] }) };
    expect(openBackends(result.value, deps).for('eip155:84532')).toHaveLength(1);
  });

  it('needs a key for a relayer without a signer, and for a facilitator of CDP', () => {
    const RELAYERS = JSON.stringify({ 'eip155:8453': { addresses: [CHECKSUMMED] } });
    expect(namesOf({ RELAYERS })).toEqual(['RELAYER_KEY']);
    expect(namesOf({ RELAYERS, RELAYER_KEY: `0x${'11'.repeat(32)}` })).toEqual([]);
    expect(namesOf({ RELAYERS: relayerOf({}) })).toEqual([]);
    const FACILITATORS = '[{"url": "https://a.example", "auth": "cdp"}]';
    expect(namesOf({ FACILITATORS })).toEqual(['CDP_API_KEY_SECRET']);
    expect(namesOf({ FACILITATORS, CDP_API_KEY_ID: 'id' })).toContain('CDP_API_KEY_SECRET');
    const CDP_API_KEY_ID = 'id';
    expect(namesOf({ FACILITATORS, CDP_API_KEY_ID, CDP_API_KEY_SECRET: 's' })).toEqual([]);
  });
});
