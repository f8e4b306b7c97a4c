import { describe, expect, it } from 'vitest';
import { readSetup } from '../../../durable-objects/relayer/setup.ts';
import { readToolDocument } from '../../../src/catalog/catalogue.ts';
import { parseTool, parseTools } from '../../../src/catalog/schema.ts';
import { type Environment, parseConfig } from '../../../src/config/config.ts';
import type { EgressReach } from '../../../src/protocol/egress-url.ts';
import { parseWebhook } from '../../../src/webhooks/document.ts';
import { documentOf } from '../catalog/documents.ts';
import { FORBIDDEN_URLS, LOOPBACK_URLS } from '../../support/egress-urls.ts';

const ADDRESS = `0x${'11'.repeat(20)}`;
const ON = 'eip155:84532';
const complete: Environment = {
  AUDIENCES: 'https://gw.example.com',
  PAY_TO: JSON.stringify({ [ON]: ADDRESS }),
  RPC_URLS: JSON.stringify({ [ON]: ['https://rpc.example.com'] }),
  FACILITATORS: JSON.stringify([{ url: 'https://facilitator.example.com' }]),
  UPSTREAM_URL: 'https://api.example.com',
  RECEIPT_KEY: JSON.stringify({
    kty: 'OKP',
    crv: 'Ed25519',
    x: 'x'.repeat(43),
    d: 'd'.repeat(43),
  }),
};
const LOCAL = { AUDIENCES: 'http://127.0.0.1:8787', LOCAL_STACK: 'true' };
const FILE = { tools: [documentOf('lookup')] };

const blamed = (change: Environment, file: unknown = FILE): readonly string[] => {
  const parsed = parseConfig({ ...complete, ...change }, file);
  return parsed.ok ? [] : [...new Set(parsed.error.map(({ name }) => name))];
};
const rpc = (url: string) => JSON.stringify({ [ON]: ['https://rpc.example.com', url] });
const facilitator = (url: string) => JSON.stringify([{ url }]);
const relayer = (signer: string) => JSON.stringify({ [ON]: { addresses: [ADDRESS], signer } });
const tool = (upstream: string) => documentOf('lookup', { upstream });

/** Each source of a URL, and whether it rejects a text. */
const readers: readonly (readonly [string, (url: string, reach: EgressReach) => boolean])[] = [
  ...(
    [
      ['an RPC endpoint', 'RPC_URLS', rpc],
      ['a facilitator', 'FACILITATORS', facilitator],
      ['the signer of a relayer', 'RELAYERS', relayer],
      ['UPSTREAM_URL', 'UPSTREAM_URL', (url: string) => url],
    ] as const
  ).map(([title, name, write]) => {
    const refuses = (url: string, reach: EgressReach): boolean =>
      blamed({ ...(reach === 'public' ? {} : LOCAL), [name]: write(url) }).includes(name);
    return [title, refuses] as const;
  }),
  [
    'a tool of tools.json',
    (url, reach) =>
      blamed(reach === 'public' ? {} : LOCAL, { tools: [tool(url)] }).includes('tools.json'),
  ],
  ['a tool put at run time', (url, reach) => !parseTool(tool(url), reach).ok],
  [
    'a tool stored by another release',
    (url, reach) => {
      const stored = readToolDocument('lookup', JSON.stringify(tool(url)), {
        upstreamUrl: undefined,
        reach,
        services: [],
      });
      return stored.tool === undefined;
    },
  ],
  ['a webhook', (url, reach) => !parseWebhook({ url, events: ['*'] }, reach).ok],
  [
    'the RPC endpoint of the relayer object',
    (url, reach) => {
      const environment = {
        ...complete,
        ...(reach === 'public' ? {} : LOCAL),
        RELAYERS: JSON.stringify({ [ON]: { addresses: [ADDRESS] } }),
        RELAYER_KEY: `0x${'22'.repeat(32)}`,
        RPC_URLS: JSON.stringify({ [ON]: [url] }),
      };
      const setup = readSetup(environment, `${ON}:${ADDRESS}`);
      return !setup.ok && setup.error.variable === 'RPC_URLS';
    },
  ],
];

/** Tells whether a URL has the form that both the catalogue and UPSTREAM_URL accept. */
const isOrigin = (url: string): boolean => URL.parse(url)?.origin === url;

describe.each(readers)('%s', (title, refuses) => {
  it('rejects every forbidden URL', () => {
    // An empty UPSTREAM_URL means that there is no upstream.
    const all = FORBIDDEN_URLS.filter((url) => url !== '' || title !== 'UPSTREAM_URL');
    expect(all.filter((url) => !refuses(url, 'public'))).toEqual([]);
    expect(all.filter((url) => !refuses(url, 'local_stack'))).toEqual([]);
    // Reduced to their origins, so that only the rule under test rejects them.
    const origins = new Set(all.flatMap((url) => URL.parse(url)?.origin ?? []).filter(isOrigin));
    expect(origins.size).toBeGreaterThan(20);
    const tried = new Set(all);
    const forbidden = [...origins].filter(
      (url) => !url.endsWith('//hooks.example.com') && !tried.has(url),
    );
    expect(forbidden.filter((url) => !refuses(url, 'public'))).toEqual([]);
    expect(forbidden.filter((url) => !refuses(url, 'local_stack'))).toEqual([]);
  });

  it('accepts a loopback URL in a local stack only', () => {
    const origins = LOOPBACK_URLS.map((url) => new URL(url).origin);
    expect(origins.filter((url) => !refuses(url, 'public'))).toEqual([]);
    expect(origins.filter((url) => refuses(url, 'local_stack'))).toEqual([]);
  });

  it('accepts an https URL of a public host', () => {
    expect(refuses('https://hooks.example.com:8443', 'public')).toBe(false);
    expect(refuses('https://hooks.example.com', 'local_stack')).toBe(false);
  });
});

it('names the tool whose upstream may not be called, and not the URL', () => {
  const parsed = parseTools(
    { tools: [documentOf('a'), tool('https://10.0.0.1/secret')] },
    'public',
  );
  expect(parsed).toEqual({
    ok: false,
    error: [
      {
        field: 'tools[1].upstream',
        reason: 'must name a public host: no IP address, no name of a private network',
      },
    ],
  });
});

describe('LOCAL_STACK', () => {
  it('is off unless it is "true"', () => {
    for (const value of [undefined, '', 'false', ' false ']) {
      expect(parseConfig({ ...complete, LOCAL_STACK: value }, FILE)).toMatchObject({
        ok: true,
        value: { reach: 'public' },
      });
    }
    expect(parseConfig({ ...complete, ...LOCAL }, FILE)).toMatchObject({
      ok: true,
      value: { reach: 'local_stack' },
    });
    for (const value of ['True', '1', 'yes', 'TRUE']) {
      expect(blamed({ ...LOCAL, LOCAL_STACK: value })).toEqual(['LOCAL_STACK']);
    }
  });

  it.each([
    'https://gateway.example.com',
    'https://countersign.account.workers.dev',
    'http://192.168.1.20:8787',
    'http://127.0.0.1:8787,https://gateway.example.com',
    'https://example.com',
    'https://test.io',
    'https://127.0.0.1.nip.io',
    'http://[fd00::1]',
  ])('is rejected if an audience is %s', (AUDIENCES) => {
    expect(blamed({ AUDIENCES })).toEqual([]);
    expect(blamed({ AUDIENCES, LOCAL_STACK: 'true' })).toEqual(['LOCAL_STACK']);
    const relayers = { RELAYERS: relayer('https://signer.example.com') };
    expect(
      readSetup({ ...complete, ...relayers, AUDIENCES, LOCAL_STACK: 'true' }, `${ON}:${ADDRESS}`),
    ).toEqual({
      ok: false,
      error: { variable: 'LOCAL_STACK', kind: 'malformed' },
    });
  });

  it.each([
    'http://127.0.0.1:8787',
    'http://localhost:8787',
    'http://[::1]:8787',
    'https://gateway.example',
    'https://gateway.test,http://localhost',
  ])('is accepted if the audience is %s, which only this machine can reach', (AUDIENCES) => {
    expect(blamed({ AUDIENCES, LOCAL_STACK: 'true' })).toEqual([]);
  });

  it('reports no second fault for a malformed AUDIENCES', () => {
    expect(blamed({ AUDIENCES: 'nonsense', LOCAL_STACK: 'true' })).toEqual(['AUDIENCES']);
  });
});
