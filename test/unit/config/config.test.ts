import { describe, expect, it } from 'vitest';
import { audienceOf, parseConfig } from '../../../src/config/config.ts';
import { BUILT_IN_POLICY } from '../../../src/policy/policy.ts';
import { CHECKSUMMED, complete, faultsOf, KEY, tools } from './config-fixture.ts';

describe('parseConfig', () => {
  it('reads every variable', () => {
    const result = parseConfig(complete, tools);
    expect(result).toMatchObject({
      ok: true,
      value: {
        audiences: ['https://gw.example', 'http://127.0.0.1:8787'],
        networks: ['eip155:84532', 'eip155:8453'],
        facilitators: [
          { url: 'https://facilitator.example/x402', auth: 'none', concurrency: 4, fee: 0n },
        ],
        relayers: new Map(),
        relayerKeys: [],
        cdpKey: undefined,
        upstreamUrl: 'http://127.0.0.1:9000',
        reach: 'local_stack',
        paused: false,
        policy: BUILT_IN_POLICY,
        confirmations: 3,
        operators: [CHECKSUMMED.toLowerCase(), `0x${'cd'.repeat(20)}`],
        receiptKey: KEY,
        tools: [{ id: 'lookup', price: 1_000n }],
      },
    });
    if (!result.ok) return;
    expect([...result.value.payTo]).toEqual([
      ['eip155:84532', CHECKSUMMED.toLowerCase()],
      ['eip155:8453', `0x${'ab'.repeat(20)}`],
    ]);
    expect(result.value.rpcUrls.get('eip155:84532')).toEqual([
      'http://127.0.0.1:8545',
      'https://other.example',
    ]);
  });

  it('has defaults for optional variables', () => {
    const { PAUSED: _p, CONFIRMATIONS: _c, DEFAULT_POLICY: _d, OPERATORS: _o, ...rest } = complete;
    expect(parseConfig(rest, tools)).toMatchObject({
      ok: true,
      value: { paused: false, confirmations: 1, policy: BUILT_IN_POLICY, operators: [] },
    });
    expect(parseConfig(complete, tools)).toMatchObject({
      value: { reconcileDepth: 64, reconcileDays: 3 },
    });
    const more = { RECONCILE_DEPTH: '10000', RECONCILE_DAYS: '30' };
    expect(parseConfig({ ...complete, ...more }, tools)).toMatchObject({
      value: { reconcileDepth: 10_000, reconcileDays: 30 },
    });
    expect(parseConfig(complete, tools)).toMatchObject({
      value: { commandBytes: 4_194_304, databaseMax: 10_000_000_000, retainDays: 90 },
    });
    const limits = {
      COMMAND_BYTES_PER_DAY: '1048576',
      DATABASE_MAX_BYTES: '500000000',
      RETAIN_DAYS: '365',
    };
    expect(parseConfig({ ...complete, ...limits }, tools)).toMatchObject({
      value: { commandBytes: 1_048_576, databaseMax: 500_000_000, retainDays: 365 },
    });
    expect(parseConfig({ ...complete, PAUSED: 'true' }, tools)).toMatchObject({
      ok: true,
      value: { paused: true },
    });
  });

  it('reports all missing variables at once', () => {
    const result = parseConfig({}, tools);
    expect(result.ok ? [] : result.error.map((fault) => fault.name)).toEqual([
      'AUDIENCES',
      'PAY_TO',
      'RPC_URLS',
      'FACILITATORS',
      'RECEIPT_KEY',
      'UPSTREAM_URL',
    ]);
  });

  it('needs no UPSTREAM_URL if every upstream is absolute', () => {
    const absolute = { tools: [{ ...tools.tools[0], upstream: 'https://api.example/lookup' }] };
    expect(faultsOf({ UPSTREAM_URL: '' }, absolute)).toEqual([]);
  });
});

describe('audienceOf', () => {
  const config = { audiences: ['https://gw.example', 'http://127.0.0.1:8787'] } as const;

  it.each([
    ['https://gw.example/tools/a', 'https://gw.example'],
    ['http://127.0.0.1:8787/tools/a?x=1', 'http://127.0.0.1:8787'],
    ['https://gw.example:443/', 'https://gw.example'],
    // The audience is never an origin outside the list, however similar.
    ['https://evil.example/', 'https://gw.example'],
    ['http://gw.example/', 'https://gw.example'],
    ['http://127.0.0.1:8788/', 'https://gw.example'],
    ['https://gw.example.evil.example/', 'https://gw.example'],
    ['http://127.0.0.1:8787@evil.example/', 'https://gw.example'],
    ['no url', 'https://gw.example'],
  ])('of %s is %s', (href, audience) => {
    expect(audienceOf(config, href)).toBe(audience);
  });
});
