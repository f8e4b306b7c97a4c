import { describe, expect, it } from 'vitest';
import type { Environment } from '../../../src/config/config.ts';
import { CHECKSUMMED, faultsOf, KEY, namesOf, relayerOf, tools } from './config-fixture.ts';

describe('parseConfig', () => {
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
    ['FACILITATORS', '[{"url": "https://a.example", "concurrency": 187}]'],
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
    ['RELAYERS', relayerOf({ addresses: ['0x12'] })],
    ['RELAYERS', relayerOf({ addresses: [`0x${'0'.repeat(40)}`] })],
    ['RELAYERS', relayerOf({ addresses: [] })],
    ['RELAYERS', relayerOf({ addresses: [CHECKSUMMED, CHECKSUMMED.toLowerCase()] })],
    [
      'RELAYERS',
      relayerOf({
        addresses: Array.from({ length: 17 }, (_, at) => `0x${(at + 10).toString().repeat(20)}`),
      }),
    ],
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
    ['TRACE_URL', 'https://traces.example/'],
    ['PAUSED', 'yes'],
    ['PAUSED', 'TRUE'],
    ['MCP_TOOLS', 'all'],
    ['MCP_TOOLS', 'Search'],
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
    ['RETAIN_DAYS', '30'],
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

  it('refuses a tool that takes no payment which the gateway can settle', () => {
    const meter = { usage: 'counted', rates: { bytes: '$1 per 1000' } };
    const price = { max: '$0.05', exact: false, meter };
    const refusing = { tools: [...tools.tools, { ...tools.tools[0], id: 'a', path: '/a', price }] };
    expect(faultsOf({}, refusing)).toEqual([
      {
        name: 'tools.json',
        reason: expect.stringMatching(/^at tools\[1\]\.price\.exact: may be false only with/),
      },
    ]);
    const FACILITATORS = JSON.stringify([
      { url: 'https://facilitator.example/x402', uptoSender: CHECKSUMMED },
    ]);
    expect(faultsOf({ FACILITATORS }, refusing)).toEqual([]);
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
