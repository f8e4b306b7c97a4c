import { describe, expect, it } from 'vitest';
import { audienceOf, type Environment, parseConfig } from '../../src/config.ts';
import { BUILT_IN_POLICY } from '../../src/policy/policy.ts';

const KEY = JSON.stringify({ kty: 'OKP', crv: 'Ed25519', x: 'x'.repeat(43), d: 'd'.repeat(43) });
const CHECKSUMMED = '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed';

const complete: Environment = {
  AUDIENCES: 'https://gw.example, http://127.0.0.1:8787',
  LOCAL_STACK: 'true',
  PAY_TO: JSON.stringify({ 'eip155:84532': CHECKSUMMED, 'eip155:8453': `0x${'AB'.repeat(20)}` }),
  RPC_URLS: JSON.stringify({
    'eip155:8453': ['https://rpc.example/key'],
    'eip155:84532': ['http://127.0.0.1:8545', 'https://other.example'],
  }),
  FACILITATORS: '[{"url":"https://facilitator.example/x402"}]',
  UPSTREAM_URL: 'http://127.0.0.1:9000',
  PAUSED: 'false',
  DEFAULT_POLICY: '',
  CONFIRMATIONS: '3',
  OPERATORS: ` ${CHECKSUMMED}, 0x${'CD'.repeat(20)}`,
  RECEIPT_KEY: KEY,
};

const tools = {
  tools: [
    {
      id: 'lookup',
      method: 'GET',
      path: '/tools/lookup',
      description: 'Looks up a word.',
      price: '$0.001',
      settlement: 'deferred',
      upstream: '/lookup',
    },
  ],
};

/** `RELAYERS` with one relayer that has its own signer. */
const relayerOf = (changes: object, network = 'eip155:8453'): string =>
  JSON.stringify({
    [network]: { address: CHECKSUMMED, signer: 'https://signer.example', ...changes },
  });

const faultsOf = (change: Environment, json: unknown = tools) => {
  const result = parseConfig({ ...complete, ...change }, json);
  return result.ok ? [] : result.error;
};
const namesOf = (change: Environment, json: unknown = tools) =>
  faultsOf(change, json).map((fault) => fault.name);

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
        relayerKey: undefined,
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
      value: { commandBytes: 4_194_304, databaseMax: 10_000_000_000 },
    });
    const limits = { COMMAND_BYTES_PER_DAY: '1048576', DATABASE_MAX_BYTES: '500000000' };
    expect(parseConfig({ ...complete, ...limits }, tools)).toMatchObject({
      value: { commandBytes: 1_048_576, databaseMax: 500_000_000 },
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

  it.each<[keyof Environment, string]>([
    ['AUDIENCES', ''],
    ['AUDIENCES', 'gw.example'],
    ['AUDIENCES', 'https://gw.example/'],
    ['AUDIENCES', 'https://gw.example:443'],
    ['AUDIENCES', 'https://GW.example'],
    ['AUDIENCES', 'https://gw.example.'],
    ['AUDIENCES', 'https://me@gw.example'],
    ['AUDIENCES', 'ftp://gw.example'],
    ['AUDIENCES', 'https://gw.example,'],
    ['AUDIENCES', 'https://gw.example,https://gw.example'],
    ['AUDIENCES', Array.from({ length: 17 }, (_, at) => `https://g${at}.example`).join(',')],
    ['PAY_TO', '{"eip155:84532": "0x0000000000000000000000000000000000000000"}'],
    ['PAY_TO', `{"eip155:84532": "${CHECKSUMMED.replace('5aA', '5AA')}"}`],
    ['PAY_TO', '{"eip155:84532": "0x12"}'],
    ['PAY_TO', `{"base": "${CHECKSUMMED}"}`],
    ['PAY_TO', `{"eip155:084532": "${CHECKSUMMED}"}`],
    ['PAY_TO', `{"eip155:84532": "${CHECKSUMMED}", "eip155:84532": "${CHECKSUMMED}"}`],
    ['PAY_TO', '{}'],
    ['PAY_TO', '[]'],
    ['PAY_TO', CHECKSUMMED],
    ['RPC_URLS', ''],
    ['RPC_URLS', 'not json'],
    ['RPC_URLS', '{"eip155:84532": [], "eip155:8453": ["https://a.example"]}'],
    ['RPC_URLS', '{"eip155:84532": "https://a.example", "eip155:8453": ["https://a.example"]}'],
    ['RPC_URLS', '{"eip155:84532": ["ws://a.example"], "eip155:8453": ["https://a.example"]}'],
    [
      'RPC_URLS',
      '{"eip155:84532": ["https://u:p@a.example"], "eip155:8453": ["https://a.example"]}',
    ],
    ['RPC_URLS', '{"eip155:84532": ["https://a.example"]}'],
    [
      'RPC_URLS',
      '{"eip155:84532": ["https://a.example"], "eip155:8453": ["https://a.example"], "eip155:1": ["https://a.example"]}',
    ],
    ['FACILITATORS', ''],
    ['FACILITATORS', '[]'],
    ['FACILITATORS', '["https://a.example"]'],
    ['FACILITATORS', '[{"url": "a.example"}]'],
    ['FACILITATORS', '[{"url": "https://a.example", "key": "x"}]'],
    ['FACILITATORS', '[{"url": "https://a.example"}, {"url": "https://a.example"}]'],
    ['FACILITATORS', '[{"url": "https://a.example", "networks": []}]'],
    ['FACILITATORS', '[{"url": "https://a.example", "networks": ["base"]}]'],
    ['FACILITATORS', '[{"url": "https://a.example", "networks": ["eip155:8453"]}]'],
    ['FACILITATORS', '[{"url": "https://a.example", "auth": "basic"}]'],
    ['FACILITATORS', '[{"url": "https://a.example", "concurrency": 0}]'],
    ['FACILITATORS', '[{"url": "https://a.example", "concurrency": 65}]'],
    ['FACILITATORS', '[{"url": "https://a.example", "perSecond": 0.5}]'],
    ['FACILITATORS', '[{"url": "https://a.example", "fee": 1000}]'],
    ['FACILITATORS', '[{"url": "https://a.example", "fee": "-1"}]'],
    [
      'FACILITATORS',
      JSON.stringify(Array.from({ length: 9 }, (_, at) => ({ url: `https://a${at}.example` }))),
    ],
    ['RELAYERS', '[]'],
    [
      'RELAYERS',
      '{"base": {"address": "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "signer": "https://s.example"}}',
    ],
    ['RELAYERS', relayerOf({ address: '0x12' })],
    ['RELAYERS', relayerOf({ address: `0x${'0'.repeat(40)}` })],
    ['RELAYERS', relayerOf({ batch: 0 })],
    ['RELAYERS', relayerOf({ batch: 101 })],
    ['RELAYERS', relayerOf({ wait: 61 })],
    ['RELAYERS', relayerOf({ maxFeePerGas: 1 })],
    ['RELAYERS', relayerOf({ first: 'yes' })],
    ['RELAYERS', relayerOf({ signer: 'ws://signer.example' })],
    ['RELAYERS', relayerOf({ key: '0x1' })],
    ['RELAYERS', relayerOf({}, 'eip155:1')],
    ['RELAYER_KEY', '0x12'],
    ['RELAYER_KEY', '11'.repeat(32)],
    ['CDP_API_KEY_SECRET', 'hunter2'],
    ['UPSTREAM_URL', ''],
    ['UPSTREAM_URL', 'http://127.0.0.1:9000/'],
    ['UPSTREAM_URL', 'http://127.0.0.1:9000/base'],
    ['PAUSED', 'yes'],
    ['PAUSED', 'TRUE'],
    ['DEFAULT_POLICY', '{'],
    ['DEFAULT_POLICY', '{"perCall":"$1","exposure":"$1"}'],
    ['CONFIRMATIONS', '0'],
    ['CONFIRMATIONS', '65'],
    ['CONFIRMATIONS', '1.5'],
    ['CONFIRMATIONS', '0x1'],
    ['RECONCILE_DEPTH', '0'],
    ['RECONCILE_DEPTH', '10001'],
    ['RECONCILE_DEPTH', '1e3'],
    ['RECONCILE_DAYS', '0'],
    ['RECONCILE_DAYS', '31'],
    ['RECONCILE_DAYS', '-1'],
    ['COMMAND_BYTES_PER_DAY', '1048575'],
    ['COMMAND_BYTES_PER_DAY', '1073741825'],
    ['COMMAND_BYTES_PER_DAY', '4 MiB'],
    ['DATABASE_MAX_BYTES', '0'],
    ['DATABASE_MAX_BYTES', '1e10'],
    ['AUDIENCES', `https://${'a.'.repeat(130)}example`],
    ['OPERATORS', 'alice'],
    ['OPERATORS', `${CHECKSUMMED},`],
    ['OPERATORS', `0x${'0'.repeat(40)}`],
    ['OPERATORS', `${CHECKSUMMED},${CHECKSUMMED.toLowerCase()}`],
    ['OPERATORS', CHECKSUMMED.replace('5aA', '5AA')],
    ['RECEIPT_KEY', ''],
    ['RECEIPT_KEY', 'key'],
    ['RECEIPT_KEY', KEY.replace('OKP', 'EC')],
    ['RECEIPT_KEY', KEY.replace('Ed25519', 'X25519')],
    ['RECEIPT_KEY', JSON.stringify({ kty: 'OKP', crv: 'Ed25519', x: 'x'.repeat(43) })],
    ['RECEIPT_KEY', KEY.replace('"d":"d', '"d":"')],
  ])('refuses %s = %s', (name, value) => {
    expect(new Set(namesOf({ [name]: value }))).toEqual(new Set([name]));
  });

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
    const RELAYERS = JSON.stringify({
      'eip155:84532': { address: CHECKSUMMED },
      'eip155:8453': {
        address,
        signer: 'https://signer.example',
        batch: 20,
        wait: 0,
        maxFeePerGas: '7',
        first: false,
      },
    });
    const result = parseConfig(
      { ...complete, RELAYERS, RELAYER_KEY: `0x${'AB'.repeat(32)}` },
      tools,
    );
    expect(result.ok && [...result.value.relayers]).toEqual([
      [
        'eip155:84532',
        { address, batch: 100, wait: 2, maxFeePerGas: 50_000_000_000n, first: true },
      ],
      [
        'eip155:8453',
        {
          address,
          signer: 'https://signer.example',
          batch: 20,
          wait: 0,
          maxFeePerGas: 7n,
          first: false,
        },
      ],
    ]);
    expect(result.ok && result.value.relayerKey).toBe(`0x${'ab'.repeat(32)}`);
  });

  it('needs a facilitator for networks without a relayer', () => {
    const own = { address: CHECKSUMMED, signer: 'https://signer.example' };
    const both = JSON.stringify({ 'eip155:84532': own, 'eip155:8453': own });
    expect(faultsOf({ FACILITATORS: '[]', RELAYERS: both })).toEqual([]);
    expect(faultsOf({ FACILITATORS: '[]', RELAYERS: relayerOf({}) })).toEqual([
      { name: 'FACILITATORS', reason: 'must hold one for eip155:84532, or RELAYERS must' },
    ]);
    const elsewhere = '[{"url": "https://a.example", "networks": ["eip155:84532"]}]';
    expect(faultsOf({ FACILITATORS: elsewhere, RELAYERS: relayerOf({}) })).toEqual([]);
  });

  it('needs a key for a relayer without a signer, and for a facilitator of CDP', () => {
    const RELAYERS = JSON.stringify({ 'eip155:8453': { address: CHECKSUMMED } });
    expect(namesOf({ RELAYERS })).toEqual(['RELAYER_KEY']);
    expect(namesOf({ RELAYERS, RELAYER_KEY: `0x${'11'.repeat(32)}` })).toEqual([]);
    expect(namesOf({ RELAYERS: relayerOf({}) })).toEqual([]);
    const FACILITATORS = '[{"url": "https://a.example", "auth": "cdp"}]';
    expect(namesOf({ FACILITATORS })).toEqual(['CDP_API_KEY_SECRET']);
    expect(namesOf({ FACILITATORS, CDP_API_KEY_ID: 'id' })).toContain('CDP_API_KEY_SECRET');
    const CDP_API_KEY_ID = 'id';
    expect(namesOf({ FACILITATORS, CDP_API_KEY_ID, CDP_API_KEY_SECRET: 's' })).toEqual([]);
  });

  it('rejects a payee on a network without a token, and names the network', () => {
    const PAY_TO = JSON.stringify({ 'eip155:5': CHECKSUMMED });
    const RPC_URLS = '{"eip155:5": ["https://a.example"]}';
    expect(faultsOf({ PAY_TO, RPC_URLS })).toEqual([
      { name: 'PAY_TO', reason: 'at eip155:5: no token is known on this network' },
    ]);
  });

  it('names the faulty field of tools.json and of a policy', () => {
    const bad = { tools: [{ ...tools.tools[0], price: '1' }] };
    expect(faultsOf({}, bad)).toEqual([
      {
        name: 'tools.json',
        reason: expect.stringMatching(
          /^at tools\[0\]\.price: must be an amount: "\$0\.02".*"20000u"/,
        ),
      },
    ]);
    expect(
      faultsOf({ DEFAULT_POLICY: '{"perCall":1,"exposure":"$1","rate":{"limit":1,"seconds":1}}' }),
    ).toEqual([
      {
        name: 'DEFAULT_POLICY',
        reason: expect.stringMatching(/^at perCall: must be an amount: "\$0\.02".*"20000u"/),
      },
    ]);
  });

  it('needs no UPSTREAM_URL if every upstream is absolute', () => {
    const absolute = { tools: [{ ...tools.tools[0], upstream: 'https://api.example/lookup' }] };
    expect(faultsOf({ UPSTREAM_URL: '' }, absolute)).toEqual([]);
  });

  it('reports faults without values, which may be secrets', () => {
    const faults = faultsOf({
      RPC_URLS:
        '{"eip155:84532": ["wss://rpc.example/hunter2"], "eip155:8453": ["https://u:hunter2@a.example"]}',
      RECEIPT_KEY: KEY.replace('OKP', 'hunter2'),
      FACILITATORS: '[{"url":"https://a:hunter2@b.example"}]',
      UPSTREAM_URL: 'https://me:hunter2@api.example',
      RELAYERS: relayerOf({ signer: 'https://u:hunter2@signer.example' }),
      RELAYER_KEY: '0xhunter2',
      CDP_API_KEY_SECRET: 'hunter2',
    });
    expect(faults.length).toBeGreaterThan(3);
    expect(JSON.stringify(faults)).not.toContain('hunter2');
  });
});

describe('audienceOf', () => {
  const config = { audiences: ['https://gw.example', 'http://127.0.0.1:8787'] } as const;

  it.each([
    ['https://gw.example/tools/a', 'https://gw.example'],
    ['http://127.0.0.1:8787/tools/a?x=1', 'http://127.0.0.1:8787'],
    ['https://gw.example:443/', 'https://gw.example'],
    // Never an origin outside the list, however similar.
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
