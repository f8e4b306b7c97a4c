import { parse } from '@decimalturn/toml-patch';
import { copyFile, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { ROOT } from '../../dev/root.ts';
import { people } from '../../dev/stack/people.ts';
import { useWorld } from '../conformance/support/world.ts';
import { documentIn, pipe } from './support/command.ts';
import { type Home, useHome } from './support/home.ts';
import { putStackFile } from './support/stack.ts';
import { openTerminal } from './support/terminal.ts';

const world = useWorld();
const home = useHome();

/** The files of a checkout that `init` reads. */
let checkout: Home;
beforeEach(async () => {
  checkout = home();
  for (const file of ['wrangler.toml', 'tools.json'])
    await copyFile(join(ROOT, file), join(checkout.directory, file));
});

const read = async (file: string): Promise<string> =>
  await readFile(join(checkout.directory, file), 'utf8');

/** Everything of the test's stack is on this machine. */
const LOCAL = '--local-stack';

const flags = (changes: Readonly<Record<string, string>> = {}): readonly string[] => {
  const { rpc, facilitator, upstream } = world().stack.description;
  const values = {
    'pay-to': people.payTo,
    network: 'base-sepolia',
    rpc,
    upstream: `${upstream}/lookup`,
    facilitator,
    ...changes,
  };
  return [...Object.entries(values).flatMap(([name, value]) => [`--${name}`, value]), LOCAL];
};

const variables = async (): Promise<Readonly<Record<string, string>>> =>
  (parse(await read('wrangler.toml')) as { vars: Record<string, string> }).vars;

describe('init in a pipe', () => {
  test('checks and writes all files, keeps comments, and prints no key', async () => {
    const { code, stdout, stderr } = await pipe(checkout, ['init', ...flags()]);
    expect(code, stderr).toBe(0);
    expect(stdout).toContain('npx wrangler deploy --dry-run');
    expect(await variables()).toMatchObject({
      AUDIENCES: 'http://localhost:8787',
      PAY_TO: JSON.stringify({ 'eip155:84532': people.payTo }),
      RPC_URLS: JSON.stringify({ 'eip155:84532': [world().stack.description.rpc] }),
      UPSTREAM_URL: world().stack.description.upstream,
      PAUSED: 'false',
      LOCAL_STACK: 'false',
    });
    // Never deployed, unlike wrangler.toml.
    expect(await read('.dev.vars')).toContain("LOCAL_STACK='true'\n");
    const comments = (text: string) => text.split('\n').filter((line) => line.startsWith('#'));
    const original = await readFile(join(ROOT, 'wrangler.toml'), 'utf8');
    expect(comments(await read('wrangler.toml'))).toEqual(comments(original));
    const lines = (text: string) => text.split('\n').length;
    expect(lines(await read('wrangler.toml'))).toBe(lines(original));
    expect(JSON.parse(await read('tools.json'))).toMatchObject({
      tools: [{ upstream: '/lookup' }],
    });

    expect((await stat(join(checkout.directory, '.dev.vars'))).mode & 0o777).toBe(0o600);
    const key = /"d":"([^"]+)"/.exec(await read('.dev.vars'))?.[1] ?? '?';
    expect(stdout + stderr).not.toContain(key);

    const { status } = documentOfDoctor(
      await pipe(checkout, ['doctor', '--json', '--gateway', world().stack.description.gateway]),
      'configuration',
    );
    expect(status).toBe('ok');
  });

  test('changes nothing when run again, and keeps the receipt key', async () => {
    await pipe(checkout, ['init', ...flags()]);
    const before = await Promise.all(['wrangler.toml', 'tools.json', '.dev.vars'].map(read));
    const again = await pipe(checkout, ['init', ...flags()]);
    expect(again.code).toBe(0);
    expect(await Promise.all(['wrangler.toml', 'tools.json', '.dev.vars'].map(read))).toEqual(
      before,
    );
  });

  test('overwrites no edited value without --force', async () => {
    const edited = (await read('tools.json')).replace('$0.001', '$0.002');
    await writeFile(join(checkout.directory, 'tools.json'), edited);
    const before = await read('wrangler.toml');
    const refused = await pipe(checkout, ['init', ...flags()]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('tools.json');
    expect(refused.stderr).toContain('--force');
    expect(await read('tools.json')).toBe(edited);
    expect(await read('wrangler.toml')).toBe(before);

    expect((await pipe(checkout, ['init', ...flags(), '--keep-tools'])).code).toBe(0);
    expect(await read('tools.json')).toBe(edited);
    const other = flags({ 'pay-to': people.owner.address });
    const lost = await pipe(checkout, ['init', ...other, '--keep-tools']);
    expect(lost.stderr).toContain('PAY_TO in wrangler.toml');
    expect((await pipe(checkout, ['init', ...other, '--force'])).code).toBe(0);
    expect(await read('tools.json')).not.toBe(edited);
  });

  test.each([
    ['another chain', { network: 'base' }, 'is chain 84532, not 8453', 1],
    ['no RPC', { rpc: 'http://127.0.0.1:1' }, 'no usable answer', 1],
    ['no address', { 'pay-to': '0x12' }, 'not an address', 2],
    ['a wrong checksum', { 'pay-to': people.payTo.replace('f8A', 'F8A') }, 'not an address', 2],
    ['an unknown network', { network: 'bitcoin' }, 'no payments on the network', 2],
    ['no URL', { upstream: 'api.example' }, 'must be an absolute URL', 2],
    ['a private address', { upstream: 'https://10.0.0.1/x' }, 'must name a public host', 2],
    ['a facilitator on http', { facilitator: 'http://f.example' }, 'must start with https://', 2],
    ['an audience with a path', { audience: 'https://gateway.example/x' }, 'origins only', 2],
    ['no operator', { operator: 'me' }, 'addresses', 2],
  ] as const)('writes nothing with %s', async (_, changes, reason, exit) => {
    const before = await readdir(checkout.directory);
    const text = await read('wrangler.toml');
    const { code, stdout, stderr } = await pipe(checkout, ['init', ...flags(changes)]);
    expect(code).toBe(exit);
    expect(stdout).toBe('');
    expect(stderr).toContain(reason);
    expect(await readdir(checkout.directory)).toEqual(before);
    expect(await read('wrangler.toml')).toBe(text);
  });

  test.each(['rpc', 'upstream', 'facilitator'])(
    'rejects a local --%s without --local-stack',
    async (name) => {
      const urls = {
        rpc: 'https://rpc.example',
        upstream: 'https://api.example/x',
        facilitator: 'https://facilitator.example',
        [name]: 'http://127.0.0.1:9999',
      };
      const words = flags(urls).filter((word) => word !== LOCAL);
      const { code, stderr } = await pipe(checkout, ['init', ...words, '--skip-checks']);
      expect(code).toBe(2);
      expect(stderr).toContain(`--${name}: This URL is on this machine. Add --local-stack`);
      expect(await readdir(checkout.directory)).not.toContain('.dev.vars');
    },
  );

  test('turns LOCAL_STACK off when every URL is public', async () => {
    await pipe(checkout, ['init', ...flags()]);
    const urls = {
      rpc: 'https://rpc.example',
      upstream: 'https://api.example/lookup',
      facilitator: 'https://facilitator.example',
      audience: 'https://gateway.example.com',
    };
    const words = [...flags(urls).filter((word) => word !== LOCAL), '--skip-checks', '--force'];
    const { code, stderr } = await pipe(checkout, ['init', ...words]);
    expect(code, stderr).toBe(0);
    expect(await read('.dev.vars')).toMatch(/RECEIPT_KEY='.*'\nLOCAL_STACK='false'\n$/);
  });

  test('rejects the wrangler.toml of another Worker', async () => {
    const text = 'name = "other"\nmain = "index.js"\n';
    await writeFile(join(checkout.directory, 'wrangler.toml'), text);
    const { code, stderr } = await pipe(checkout, ['init', ...flags()]);
    expect(code).toBe(1);
    expect(stderr).toContain('not that of a Countersign gateway');
    expect(await read('wrangler.toml')).toBe(text);
  });
});

describe('init at a terminal', () => {
  const answer = async (columns: number) => {
    const { rpc, upstream, facilitator } = world().stack.description;
    const terminal = openTerminal(checkout, ['init', LOCAL, '--facilitator', facilitator], columns);
    await terminal.sees('Which address receives the payments?');
    terminal.type('nobody');
    terminal.press('enter');
    await terminal.sees('That is not an address');
    for (const _ of 'nobody') terminal.type('\u007F');
    terminal.type(people.payTo);
    terminal.press('enter');
    await terminal.sees('On which network');
    terminal.press('enter');
    await terminal.sees('JSON-RPC URL of base-sepolia');
    terminal.type(rpc);
    terminal.press('enter');
    await terminal.sees('URL of the first tool');
    terminal.type(`${upstream}/lookup`);
    terminal.press('enter');
    await terminal.sees('Origin that agents will call');
    return terminal;
  };

  test.each([100, 40])('asks, checks and writes (%i columns)', async (columns) => {
    const terminal = await answer(columns);
    terminal.press('enter');
    await terminal.sees('wrangler deploy --dry-run');
    expect(await terminal.ended()).toBe(0);
    expect(await variables()).toMatchObject({ AUDIENCES: 'http://localhost:8787' });
  });

  test('writes nothing when Ctrl-C interrupts the last question', async () => {
    const before = await readdir(checkout.directory);
    const text = await read('wrangler.toml');
    const terminal = await answer(100);
    terminal.press('ctrl-c');
    expect(await terminal.ended()).toBe(130);
    expect(await readdir(checkout.directory)).toEqual(before);
    expect(await read('wrangler.toml')).toBe(text);
  });

  test('asks before it overwrites edited values, and obeys the answer', async () => {
    const edited = (await read('tools.json')).replace('$0.001', '$0.002');
    await writeFile(join(checkout.directory, 'tools.json'), edited);
    const no = openTerminal(checkout, ['init', ...flags({ audience: 'http://localhost:8787' })]);
    await no.sees('Overwrite what you edited? tools.json');
    no.press('enter');
    expect(await no.ended()).toBe(130);
    expect(await read('tools.json')).toBe(edited);
    const yes = openTerminal(checkout, ['init', ...flags({ audience: 'http://localhost:8787' })]);
    await yes.sees('Overwrite what you edited? tools.json');
    yes.type('y');
    expect(await yes.ended()).toBe(0);
    expect(await read('tools.json')).not.toBe(edited);
  });
});

type Checked = {
  readonly name: string;
  readonly status: string;
  readonly says: string;
  readonly hint?: string;
};

const documentOfDoctor = (ran: Parameters<typeof documentIn>[0], name: string): Checked => {
  const { checks } = documentIn(ran) as { checks: readonly Checked[] };
  const found = checks.find((check) => check.name === name);
  if (found === undefined) throw new Error(`${name} is not in ${JSON.stringify(checks)}`);
  return found;
};

describe('doctor', () => {
  const doctor = async (...words: readonly string[]) =>
    await pipe(await putStackFile(world(), checkout), ['doctor', '--json', ...words]);

  test('passes on a local stack, with its queues read as operator', async () => {
    const ran = await doctor();
    expect(ran.code, ran.stdout).toBe(0);
    for (const name of [
      'RPC base-sepolia',
      'clock base-sepolia',
      'USDC base-sepolia',
      'facilitator',
      'bound payments',
      'upstream',
      'gateway',
      'receipt keys',
      'queues',
    ]) {
      expect(documentOfDoctor(ran, name)).toMatchObject({ status: 'ok' });
    }
    expect(documentOfDoctor(ran, 'configuration').status).toBe('warn');
  });

  test('fails the queue check of a key that is no operator, and ends with 1', async () => {
    const ran = await doctor('--as', 'agent');
    expect(ran.code).toBe(1);
    expect(documentOfDoctor(ran, 'queues').status).toBe('fail');
  });

  test('reports each fault of the configuration in the words of the gateway', async () => {
    await pipe(checkout, ['init', ...flags()]);
    const text = await read('wrangler.toml');
    await writeFile(
      join(checkout.directory, 'wrangler.toml'),
      text
        .replace('PAUSED = "false"', 'PAUSED = "maybe"')
        .replace(/^RPC_URLS = .*$/m, 'RPC_URLS = ""'),
    );
    await writeFile(join(checkout.directory, 'tools.json'), '{"tools":[{"id":"x"}]}');
    const ran = await doctor();
    expect(ran.code).toBe(1);
    expect(documentOfDoctor(ran, 'PAUSED').status).toBe('fail');
    expect(documentOfDoctor(ran, 'RPC_URLS').hint).toContain('wrangler.toml');
    expect(documentOfDoctor(ran, 'tools.json').status).toBe('fail');
  });

  test('detects a wrong clock, another receipt key and a paused gateway', async () => {
    const { createServer } = await import('node:http');
    const server = createServer((request, response) => {
      const body =
        request.url === '/healthz'
          ? { status: 'paused' }
          : { keys: [{ kty: 'OKP', crv: 'Ed25519', kid: 'x' }] };
      response.writeHead(200, {
        'content-type': 'application/json',
        date: new Date(Date.now() + 90_000).toUTCString(),
      });
      response.end(JSON.stringify(body));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      await pipe(checkout, ['init', ...flags()]);
      const { port } = server.address() as { port: number };
      const ran = await pipe(checkout, [
        'doctor',
        '--json',
        '--gateway',
        `http://127.0.0.1:${port}`,
      ]);
      expect(ran.code).toBe(1);
      expect(documentOfDoctor(ran, 'gateway').status).toBe('warn');
      expect(documentOfDoctor(ran, 'clock gateway')).toMatchObject({
        status: 'fail',
        says: expect.stringContaining('ahead of this one') as string,
      });
      expect(documentOfDoctor(ran, 'receipt keys').status).toBe('warn');
      expect(documentOfDoctor(ran, '/openapi.json').status).toBe('warn');
      expect(documentOfDoctor(ran, 'queues').status).toBe('skip');
    } finally {
      server.close();
    }
  });
});
