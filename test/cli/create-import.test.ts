import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import type { ToolDocument } from '../../src/management/tool.route.ts';
import { people } from '../../dev/stack/people.ts';
import { startFixture } from '../conformance/support/mcp-fixture/server.ts';
import { documentIn, pipe, type Ran } from './support/command.ts';
import { PASSWORD, useHome, withEnv } from './support/home.ts';

const home = useHome();
const fixture = await startFixture();
const api = createServer((_, response) => {
  response.setHeader('content-type', 'application/json');
  response.end(
    JSON.stringify({
      openapi: '3.0.3',
      info: { title: 'Shop', version: '1' },
      servers: [{ url: '/v2' }],
      paths: {
        '/pets': {
          get: {
            operationId: 'listPets',
            parameters: [{ name: 's', in: 'cookie' }],
            responses: { 200: { description: 'ok' } },
          },
        },
      },
    }),
  );
}).listen(0, '127.0.0.1');
await once(api, 'listening');
const origin = `http://127.0.0.1:${(api.address() as AddressInfo).port}`;
afterAll(async () => {
  api.close();
  await fixture.stop();
});

const create = async (...words: readonly string[]): Promise<Ran> =>
  await pipe(withEnv(home(), { COUNTERSIGN_PASSWORD: PASSWORD }), [
    ...['create', 'shop', '--yes', '--json', ...words],
  ]);
const path = (name: string): string => join(home().directory, 'shop', name);
const read = async (name: string): Promise<string> => await readFile(path(name), 'utf8');
const tools = async (): Promise<readonly ToolDocument[]> =>
  (JSON.parse(await read('tools.json')) as { readonly tools: readonly ToolDocument[] }).tools;

const PAYEE = ['--pay-to', people.seller, '--skip-checks'];

describe('create --openapi', () => {
  const words = ['--openapi', `${origin}/openapi.json`, '--price', '0.02'];

  test('sells the operations of a document from a URL, below the server next to it', async () => {
    const ran = await create(...PAYEE, ...words);
    expect(ran.code, ran.stdout).toBe(0);
    expect(documentIn(ran)['notes']).toEqual(['list_pets: without parameter s, which is a cookie']);
    expect(await tools()).toMatchObject([
      { id: 'list_pets', path: '/tools/list_pets', price: '$0.02', upstream: '/v2/pets' },
    ]);
    expect(await read('wrangler.toml')).toContain(`UPSTREAM_URL = "${origin}"`);
    expect(await read('.dev.vars')).toContain("LOCAL_STACK='true'");
  });

  test('names the secret that the tools send, and the command that stores it', async () => {
    const document = {
      openapi: '3.1.0',
      servers: [{ url: 'https://api.shop.example' }],
      components: {
        securitySchemes: { ShopKey: { type: 'apiKey', in: 'header', name: 'X-Key' } },
      },
      security: [{ ShopKey: [] }],
      paths: { '/pets': { get: { operationId: 'listPets', responses: {} } } },
    };
    await writeFile(path('../keyed.json'), JSON.stringify(document));
    const put = 'npx countersign secret put shop-key --host api.shop.example';
    const sells = ['--openapi', 'keyed.json', '--price', '0.02'];
    const ran = await create(...PAYEE, ...sells);
    expect(ran.code, ran.stdout).toBe(0);
    expect(documentIn(ran)['next']).toEqual(['cd shop', 'npm install', 'npm run dev', put]);
    expect(await read('README.md')).toContain(`\`\`\`sh\n${put}\n\`\`\``);
    const again = await pipe(home(), ['create', 'shop', '--yes', '--skip-checks', ...sells]);
    expect(again.stdout).toMatch(new RegExp(`Next:[^]*  ${put}\n`));
    expect(again.stdout.replaceAll(/\s+/g, ' ')).toContain(
      'the secret shop-key is missing, which list_pets needs',
    );
    const wrong = await pipe({ ...home(), directory: path('.') }, [
      'secret',
      'put',
      'api-key',
      '--gateway',
      'http://127.0.0.1:1',
    ]);
    expect(wrong.code).toBe(2);
    const said = wrong.stderr.replaceAll(/\s+/g, ' ');
    expect(said).toContain('No tool in tools.json names the secret api-key');
    expect(said).toContain(`The tools need shop-key (\`${put.slice(4)}\`)`);
  });

  test('keeps in a second run what the owner changed, and does not touch an unchanged file', async () => {
    await create(...PAYEE, ...words);
    const [first] = await tools();
    const edited = { tools: [{ ...first, timeoutSeconds: 20 }] };
    await writeFile(path('tools.json'), `${JSON.stringify(edited, undefined, 2)}\n`);
    const times = async () =>
      await Promise.all(
        ['wrangler.toml', 'tools.json', '.dev.vars', 'package.json'].map(
          async (name) => (await stat(path(name))).mtimeMs,
        ),
      );
    const before = await times();
    await rm(path('README.md'));
    const again = documentIn(await create(...PAYEE, ...words));
    expect(again).toMatchObject({ written: [], skipped: [], next: ['cd shop', 'npm run dev'] });
    expect(again['unchanged']).toEqual([
      ...['wrangler.toml', 'tools.json', '.dev.vars', '.dev.vars.staging', 'package.json'],
      ...['src/index.ts', '.gitignore'],
    ]);
    expect(await times()).toEqual(before);
    const dearer = documentIn(
      await create('--skip-checks', '--openapi', words[1] ?? '', '--price', '0.03'),
    );
    expect(dearer).toMatchObject({ written: ['tools.json'] });
    expect(await tools()).toMatchObject([{ price: '$0.03', timeoutSeconds: 20 }]);
  });

  test('writes nothing without a price, for a faulty document, or where nothing can be sold', async () => {
    const stderr = async (...more: readonly string[]) => (await create(...PAYEE, ...more)).stderr;
    expect(await stderr('--openapi', `${origin}/openapi.json`)).toContain('--price 0.01');
    await writeFile(path('../api.yaml'), 'swagger: "2.0"\n');
    expect(await stderr('--openapi', 'api.yaml', '--price', '1')).toContain('Swagger 2.0');
    await writeFile(path('../api.yaml'), 'openapi: 3.1.0\nservers: [{url: https://a.example}]\n');
    expect(await stderr('--openapi', 'api.yaml', '--price', '1')).toContain('can be sold');
    await writeFile(path('../api.yaml'), 'openapi: 3.1.0\npaths: {/a: {get: {}}}\n');
    expect(await stderr('--openapi', 'api.yaml', '--price', '1')).toContain('--upstream');
    await expect(stat(path('.'))).rejects.toThrow('ENOENT');
  });
});

describe('create --mcp', () => {
  test('sells the tools of a server, each with the pin of its definition', async () => {
    const ran = await create(...PAYEE, '--mcp', `${fixture.url}/mcp`, '--price', '0.02');
    expect(ran.code, ran.stdout).toBe(0);
    const sold = await tools();
    expect(sold.find(({ id }) => id === 'test_simple_text')).toMatchObject({
      price: '$0.02',
      upstream: {
        mcp: `${fixture.url}/mcp`,
        pin: expect.stringMatching(/^[0-9a-f]{64}$/) as unknown,
      },
    });
    const again = await create('--skip-checks', '--mcp', `${fixture.url}/mcp`, '--price', '0.02');
    expect(documentIn(again)).toMatchObject({ written: [], skipped: [] });
  });
});

test('keeps the tools of a project that gets another URL, and says what it sells for how much', async () => {
  const upstream = (path: string) => ['--upstream', `${origin}${path}`];
  const first = documentIn(await create(...PAYEE, ...upstream('/v1/weather'), '--price', '0.001'));
  expect(first['notes']).toEqual([
    'v1_weather: sold for $0.001 a call at /tools/v1_weather',
    expect.stringContaining('agents choose tools by that'),
    expect.stringContaining('about what its settlement costs'),
  ]);
  await create('--skip-checks', ...upstream('/v1/tides'), '--tool', 'tides');
  expect(await tools()).toMatchObject([
    { id: 'v1_weather', price: '$0.001', settlement: 'deferred' },
    { id: 'tides', price: '$0.01', upstream: '/v1/tides' },
  ]);
  const taken = await create('--skip-checks', ...upstream('/v1/x'), '--tool', 'tides');
  expect(taken.stderr).toContain('--tool <name>');
  expect(documentIn(await create('--skip-checks', ...upstream('/v1/tides')))).toMatchObject({
    written: [],
  });
});

test('creates a project without a wallet and without a network, and says what it could not check', async () => {
  const words = [
    ...['--new-pay-to', 'shop-payee', '--new-operator', 'boss', '--upstream', `${origin}/weather`],
    ...['--rpc', 'http://127.0.0.1:1', '--facilitator', 'http://127.0.0.1:1'],
  ];
  const ran = await create(...words);
  expect(ran.code, ran.stdout).toBe(0);
  const { checks, keys } = documentIn(ran) as {
    readonly checks: readonly { readonly name: string; readonly status: string }[];
    readonly keys: readonly { readonly name: string }[];
  };
  expect(keys.map(({ name }) => name)).toEqual(['shop-payee', 'boss']);
  expect(checks.map(({ name, status }) => `${name} ${status}`)).toEqual([
    'RPC base-sepolia warn',
    'facilitator warn',
    'upstream ok',
  ]);
  const again = await create(...words);
  expect(again.code, again.stdout).toBe(0);
  expect(documentIn(again)).toMatchObject({ written: [] });
  // The key `shop-payee` is already the payee of another gateway.
  const other = await pipe(withEnv(home(), { COUNTERSIGN_PASSWORD: PASSWORD }), [
    ...['create', 'other', '--yes', '--skip-checks', '--new-pay-to', 'shop-payee'],
    ...['--upstream', `${origin}/weather`],
  ]);
  expect(other.stderr).toContain('may receive payments elsewhere');
});

test('names pages of the documentation as files that are there', async () => {
  await create(...PAYEE, '--upstream', `${origin}/weather`);
  await writeFile(path('tools.json'), '{"tools":[{}]}');
  const shop = { ...home(), directory: path('.') };
  const { stdout, stderr } = await pipe(shop, ['check']);
  const [page = ''] = /\S+docs\/tools\.md/.exec(stdout + stderr) ?? [];
  expect((await stat(resolve(shop.directory, page))).isFile()).toBe(true);
  const jwk = documentIn(await pipe(home(), ['keys', 'jwk', '--json']))['jwk'];
  expect(jwk).toMatchObject({ kty: 'OKP', crv: 'Ed25519', kid: expect.any(String) as unknown });
});
