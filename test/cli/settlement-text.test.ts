import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { backendCheck, relayerCheck } from '../../src/cli/doctor/gateway-checks.ts';
import { coins } from '../../src/cli/settlements/backends.ts';
import { pipe } from './support/command.ts';
import { PASSWORD, useHome, withEnv } from './support/home.ts';
import { putKey, SOME_KEY } from './support/keys.ts';

const ESC = String.fromCharCode(27);
const NETWORK = 'eip155:84532';
const ACCOUNT = `${NETWORK}:0x${'a1'.repeat(20)}` as const;
const NOW = 1_800_000_000;

const home = useHome();
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** Starts a gateway that returns fixed answers to every signer. */
const gatewayWith = async (
  answers: Readonly<Record<string, { readonly body: unknown; readonly link?: string }>>,
) => {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    const { pathname, search } = new URL(request.url ?? '', 'http://x');
    if (request.headers['agent-intent'] === undefined && pathname.startsWith('/admin')) {
      response.writeHead(401, {
        'content-type': 'application/problem+json',
        'www-authenticate': `AgentIntent audience="x", tool="x", chains="${NETWORK}"`,
      });
      response.end('{"type":"urn:countersign:problem:intent-required"}');
      return;
    }
    requests.push(pathname + search);
    const answer = answers[pathname + search] ?? answers[pathname];
    if (answer === undefined) {
      response.writeHead(404, { 'content-type': 'application/problem+json' });
      response.end('{"type":"urn:countersign:problem:not-found","title":"Not found"}');
      return;
    }
    const { body, link } = answer;
    response.writeHead(200, {
      'content-type': typeof body === 'string' ? 'text/csv' : 'application/json',
      ...(link === undefined ? {} : { link: `<${link}>; rel="next"` }),
    });
    response.end(typeof body === 'string' ? body : JSON.stringify(body));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await putKey(home(), 'ops', SOME_KEY);
  const run = async (...words: readonly string[]) =>
    await pipe(withEnv(home(), { COUNTERSIGN_PASSWORD: PASSWORD }), [
      ...words,
      ...['--gateway', origin, '--as', 'ops'],
    ]);
  return { run, requests };
};

const open = {
  ...{ account: ACCOUNT, call: `0x${'11'.repeat(32)}`, state: 'open', amount: '20000' },
  ...{ at: NOW, accepted_at: NOW, age: 5_400, attempts: 9, tool: 'translate' },
  ...{ backend: `x402.example${ESC}[2J`, last_error: `${ESC}]0;owned`, last_error_at: NOW },
};

describe('settlements list', () => {
  test('prints age, attempts, backend and error of open payments without terminal controls', async () => {
    const settled = { ...open, state: 'settled', age: undefined, attempts: undefined };
    const { run } = await gatewayWith({
      '/admin/settlements': { body: { items: [open, settled] } },
    });
    const { code, stdout } = await run('settlements', 'list');
    expect(code, stdout).toBe(0);
    expect(stdout).toMatch(/AGE|age/);
    expect(stdout).toMatch(/90 min/);
    expect(stdout).toContain('x402.example');
    expect(stdout).not.toContain(ESC);
  });

  test.each([
    [{ as_of: NOW }, /Complete up to 20\d\d-/],
    [{}, /does not know how old this list is/],
  ])('says how old it is: %j', async (age, text) => {
    const { run } = await gatewayWith({ '/admin/settlements': { body: { items: [], ...age } } });
    expect((await run('settlements', 'list')).stdout).toMatch(text);
  });

  test('omits those columns when no payment waits', async () => {
    const { run } = await gatewayWith({
      '/admin/settlements': { body: { items: [{ ...open, state: 'settled', age: undefined }] } },
    });
    expect((await run('settlements', 'list')).stdout).not.toMatch(/TRIES|tries/i);
  });

  test('shows one payment with its attempts and dead letters', async () => {
    const attempts = [
      { attempt: 9, backend: `x402.example${ESC}[2J`, error: `timeout${ESC}[2J`, at: NOW + 20 },
      { attempt: 8, error: 'chain_unreadable', at: NOW + 12 },
    ];
    const letter = { id: 'YS8x', queue: 'q', reason: `${ESC}[2Jretries exhausted`, at: NOW };
    const { run } = await gatewayWith({
      [`/admin/settlements/${ACCOUNT}/${open.call}`]: {
        body: { settlement: open, entries: [], attempts, dead_letters: [letter] },
      },
    });
    const { code, stdout } = await run('settlements', 'show', ACCOUNT, open.call);
    expect(code, stdout).toBe(0);
    const lines = stdout.split('\n').filter((line) => line.includes('attempt '));
    expect(lines).toEqual([
      expect.stringMatching(/:12Z +attempt 8, chain_unreadable$/),
      expect.stringMatching(/:20Z +attempt 9 by x402\.example, timeout$/),
    ]);
    expect(stdout).toMatch(/tries +9/);
    expect(stdout).toContain('retries exhausted; `settlements resend YS8x` sends it again');
    expect(stdout).not.toContain(ESC);
    const json = await run('settlements', 'show', ACCOUNT, open.call, '--json');
    expect(JSON.parse(json.stdout)).toMatchObject({ attempts });
  });
});

describe('settlements backends', () => {
  const ready = {
    ...{ network: NETWORK, state: 'ready', address: `0x${'4e'.repeat(20)}`, covers: 1_234 },
    ...{ balance: '12345678901234567', balance_at: NOW, waiting: 7 },
    flights: [{ nonce: 1, hashes: [], payments: 20, max_fee_per_gas: '1', sent_at: NOW }],
    totals: { transactions: 2, payments: 30, replaced: 1, gas_used: '9', fees: '1000000000000000' },
    last_error: { at: NOW, text: `${ESC}[2Jinsufficient_gas` },
  };
  const backend = {
    ...{ network: NETWORK, backend: 'x402.example', state: 'open', succeeded: 5, failed: 3 },
    ...{ last_error: `${ESC}[2Jtimeout`, last_error_at: NOW, at: NOW },
  };

  test('prints health and gas', async () => {
    const { run } = await gatewayWith({
      '/admin/backends': { body: { items: [backend] } },
      '/admin/relayers': {
        body: {
          items: [
            ready,
            { ...{ network: 'eip155:8453', address: ready.address }, state: 'unavailable' },
          ],
        },
      },
    });
    const { code, stdout } = await run('settlements', 'backends');
    expect(code, stdout).toBe(0);
    expect(stdout).toMatch(/x402\.example +not used +5 +3 +timeout/);
    expect(stdout).toMatch(/balance +0\.012345 of the chain's coin\n/);
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain(
      "30 payments in 2 transactions, 1 replaced, fees 0.001 of the chain's coin",
    );
    expect(stdout).toMatch(/pays for +1234 payments/);
    expect(stdout).toMatch(/under way +1 transaction, 20 payments/);
    expect(stdout).toMatch(/relayer eip155:8453 +unavailable, 0x4e4e/);
    expect(stdout).not.toContain(ESC);
  });

  test("prints the gateway's answer with --json", async () => {
    const { run } = await gatewayWith({
      '/admin/backends': { body: { items: [backend] } },
      '/admin/relayers': { body: { items: [ready] } },
    });
    const { stdout } = await run('settlements', 'backends', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ backends: [backend], relayers: [ready] });
  });
});

test('settlements reconcile without a run does not say that ledger and chain agree', async () => {
  const none = { body: { items: [] } };
  const { run } = await gatewayWith({
    '/admin/reconciliations': none,
    '/admin/differences': none,
  });
  const { code, stdout } = await run('settlements', 'reconcile');
  expect(code, stdout).toBe(0);
  expect(stdout.replaceAll(/\s+/g, ' ')).toContain('over blocks that are 64 blocks deep');
  expect(stdout).not.toContain('agree');
});

test('outages says as of when nothing fails, and when an outage shows', async () => {
  const { run } = await gatewayWith({ '/admin/outages': { body: { items: [] } } });
  const outages = (await run('outages')).stdout.replaceAll(/\s+/g, ' ');
  expect(outages).toMatch(/^No outage as of \d\d:\d\d UTC: /);
  expect(outages).toContain('after two looks');
});

test.each([
  ['0', '0'],
  ['1', 'under 0.000001'],
  ['1000000000000', '0.000001'],
  ['12345678901234567', '0.012345'],
  ['3000000000000000000', '3'],
  ['98765432109876543210', '98.765432'],
])('prints %s wei as %s', (wei, expected) => {
  expect(coins(wei)).toBe(expected);
});

describe('settlements export', () => {
  const HEAD = 'day,asset,line,tool,payee,count,amount\r\n';
  const [one, two] = ['2026-11-01,usdc,settled,,,1,5\r\n', '2026-12-02,usdc,settled,,,2,7\r\n'];
  const query = '?format=csv&from=2026-11-01&to=2026-12-31';
  const answers = {
    [`/admin/books${query}`]: { body: HEAD + one, link: `/admin/books${query}&after=eA` },
    [`/admin/books${query}&after=eA`]: { body: two },
  };
  const days = ['--from', '2026-11-01', '--to', '2026-12-31'];

  test('writes all pages to one file or to stdout', async () => {
    const { run } = await gatewayWith(answers);
    const ran = await run('settlements', 'export', ...days, '-o', 'books.csv', '--json');
    expect(ran.code, ran.stdout).toBe(0);
    expect(JSON.parse(ran.stdout)).toMatchObject({ rows: 2, file: 'books.csv' });
    expect(await readFile(join(home().directory, 'books.csv'), 'utf8')).toBe(HEAD + one + two);
    expect((await run('settlements', 'export', ...days)).stdout).toBe(HEAD + one + two);
  });

  test('prints one document of all lines with --json', async () => {
    const item = { day: '2026-11-01', asset: 'usdc', line: 'settled', count: 1, amount: '5' };
    const path = '/admin/books?from=2026-11-01&to=2026-12-31';
    const { run } = await gatewayWith({
      [path]: { body: { from: '2026-11-01', to: '2026-12-31', items: [item], next: 'eA' } },
      [`${path}&after=eA`]: { body: { from: '2026-11-01', to: '2026-12-31', items: [item] } },
    });
    const { stdout } = await run('settlements', 'export', ...days, '--json');
    expect(JSON.parse(stdout)).toMatchObject({ lines: [item, item] });
  });

  test('rejects a bad day without a request', async () => {
    const { run, requests } = await gatewayWith(answers);
    const { code, stdout } = await run('settlements', 'export', '--from', 'monday', '--json');
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'usage' } });
    expect(requests).toEqual([]);
  });
});

describe('doctor', () => {
  const relayer = { network: NETWORK, state: 'ready', address: `0x${'4e'.repeat(20)}` } as const;
  const backend = {
    ...{ network: NETWORK, backend: 'x402.example', succeeded: 5, failed: 3, at: NOW },
  } as const;

  test.each([
    [{ ...relayer, covers: 5_000, balance_at: NOW }, 'ok', 'gas for 5000 payments'],
    [{ ...relayer, covers: 5_000, balance_at: NOW - 61 }, 'warn', 'as of 61 s ago'],
    [{ ...relayer, covers: 999, balance_at: NOW }, 'warn', 'gas for 999 payments'],
    [{ ...relayer, covers: 0, balance_at: NOW }, 'fail', 'gas for 0 payments'],
    [relayer, 'warn', 'not read yet'],
    [{ ...relayer, state: 'unavailable' }, 'fail', 'does not answer'],
    [{ ...relayer, state: 'unconfigured' }, 'warn', 'not set up'],
  ] as const)('checks the relayer %j as %s', (item, status, says) => {
    const check = relayerCheck(item, NOW);
    expect(check).toMatchObject({ status, says: expect.stringContaining(says) as string });
    if (status !== 'ok') expect(check.hint).not.toBe('');
  });

  test.each([
    ['closed', 'ok'],
    ['half_open', 'warn'],
    ['open', 'warn'],
  ] as const)('checks a circuit that is %s as %s', (state, status) => {
    expect(backendCheck({ ...backend, state, last_error: 'timeout' }).status).toBe(status);
  });

  test('reports backends and relayers, and omits routes that the gateway lacks', async () => {
    const queues = { body: { open_settlements: 0, dead_letters: 0 } };
    const newer = await gatewayWith({
      '/admin/queues': queues,
      '/admin/backends': { body: { items: [{ ...backend, state: 'open' }] } },
      '/admin/relayers': { body: { items: [{ ...relayer, covers: 3, waiting: 1 }] } },
    });
    const names = async (run: typeof newer.run) => {
      const { checks } = JSON.parse((await run('doctor', '--json')).stdout) as {
        checks: readonly { name: string; status: string }[];
      };
      return checks.map(({ name, status }) => `${name} ${status}`);
    };
    expect(await names(newer.run)).toEqual(
      expect.arrayContaining([
        ...['queues ok', 'backend x402.example warn', `relayer ${NETWORK} warn`],
      ]),
    );
    const older = await gatewayWith({ '/admin/queues': queues });
    const found = await names(older.run);
    expect(found).toContain('queues ok');
    expect(found.join()).not.toMatch(/backend|relayer/);
  });
});
