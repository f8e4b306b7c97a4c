import type { KindVariable } from '../../../src/config/backend-settings.ts';
import { type Environment, parseConfig } from '../../../src/config/config.ts';

export const KEY = JSON.stringify({
  kty: 'OKP',
  crv: 'Ed25519',
  x: 'x'.repeat(43),
  d: 'd'.repeat(43),
});
export const CHECKSUMMED = '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed';

export const complete: Environment = {
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

export const tools = {
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

/** `RELAYERS` with one relayer, which has a signer of its own. */
export const relayerOf = (changes: object, network = 'eip155:8453'): string =>
  JSON.stringify({
    [network]: { addresses: [CHECKSUMMED], signer: 'https://signer.example', ...changes },
  });

/** For each kind of backend, settings with which it serves eip155:84532. */
const SERVING: { readonly [name in KindVariable]: string } = {
  FACILITATORS: '[{"url":"https://facilitator.example/x402"}]',
  RELAYERS: relayerOf({ first: false }, 'eip155:84532'),
};

/** The variables of a gateway that has one kind of backend. */
export const onlyOf = (kind: KindVariable): Readonly<Record<string, string>> => ({
  FACILITATORS: '[]',
  [kind]: SERVING[kind],
});

export const faultsOf = (change: Environment, json: unknown = tools) => {
  const result = parseConfig({ ...complete, ...change }, json);
  return result.ok ? [] : result.error;
};
export const namesOf = (change: Environment, json: unknown = tools) =>
  faultsOf(change, json).map((fault) => fault.name);
