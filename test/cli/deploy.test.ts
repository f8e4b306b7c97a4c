import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { ROOT } from '../../dev/root.ts';
import { freePort, LOOPBACK } from '../../dev/stack/loopback.ts';
import { people } from '../../dev/stack/people.ts';
import { type ProcessGroup, startProcess } from '../../dev/stack/process.ts';
import { useWorld } from '../conformance/support/world.ts';
import {
  FAKE_ACCOUNT,
  type FakeCloudflare,
  openFakeCloudflare,
} from './support/fake-cloudflare.ts';
import { putKey } from './support/keys.ts';
import { installInto, packPackages } from './support/packed.ts';

/**
 * Runs the packed command and the real wrangler in a project that the packed `create-countersign` wrote, against a fake of Cloudflare's
 * API. The fake runs no Workers, so the deployed gateway is served by `wrangler dev`. `reroute.mjs` sends requests for public hosts to the
 * local stack.
 */
const execute = promisify(execFile);
const world = useWorld();
const AUDIENCE = 'https://shop.example';
let folder = '';
let project = '';
let original = '';
let tools = '';
let gateway = '';
let cloudflare: FakeCloudflare;
const started: ProcessGroup[] = [];
const secrets: string[] = [];

type Ran = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

const environment = (more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv => {
  const { rpc, facilitator, upstream } = world().stack.description;
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
    XDG_CONFIG_HOME: join(folder, 'config'),
    COUNTERSIGN_HOME: join(folder, 'home'),
    COUNTERSIGN_PASSWORD: 'correct horse battery',
    WRANGLER_SEND_METRICS: 'false',
    NODE_COMPILE_CACHE: join(folder, 'compile-cache'),
    WRANGLER_HIDE_BANNER: 'true',
    NODE_OPTIONS: `--import=${pathToFileURL(join(ROOT, 'test/cli/support/reroute.mjs')).href}`,
    TEST_HOSTS: JSON.stringify({
      'rpc.example': rpc,
      'facilitator.example': facilitator,
      'api.example': upstream,
      'shop.example': gateway,
    }),
    ...more,
  } as unknown as NodeJS.ProcessEnv;
};

const signedIn = (): Readonly<Record<string, string>> => ({
  CLOUDFLARE_API_BASE_URL: cloudflare.url,
  CLOUDFLARE_API_TOKEN: 'token',
  CLOUDFLARE_ACCOUNT_ID: FAKE_ACCOUNT,
});

let running: ChildProcess | undefined;

/** Runs the packed command in a process group of its own, so that a test can kill it together with its wrangler. */
const deploy = async (
  words: readonly string[],
  more: Readonly<Record<string, string>> = signedIn(),
): Promise<Ran> => {
  const command = join(project, 'node_modules/countersign/dist/cli/index.js');
  const child = spawn(process.execPath, [command, 'deploy', ...words], {
    cwd: project,
    env: environment(more),
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running = child;
  const output = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream].on('data', (chunk: Buffer) => {
      output[stream] += chunk.toString();
    });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...output };
};

/** Kills the running command and its wrangler after the nth request that matches took effect. */
const crashAfter = (request: RegExp, nth = 1): void => {
  let seen = 0;
  cloudflare.onEffect = (line) => {
    if (!request.test(line)) return;
    seen += 1;
    if (seen === nth && running?.pid !== undefined) process.kill(-running.pid, 'SIGKILL');
  };
};

const requestsOf = (request: RegExp): readonly string[] =>
  cloudflare.requests.filter((line) => request.test(line));

const edit = async (from: string | RegExp, to: string): Promise<void> => {
  const path = join(project, 'wrangler.toml');
  const text = await readFile(path, 'utf8');
  expect(text).toMatch(from);
  await writeFile(path, text.replace(from, to));
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'countersign deploy '));
  project = join(folder, 'my shop');
  const port = await freePort();
  gateway = `http://${LOOPBACK}:${port}`;
  const packed = await packPackages(folder);
  const answers = [
    ...['my shop', '--yes', '--skip-checks', '--pay-to', people.seller, '--audience', AUDIENCE],
    ...['--rpc', 'https://rpc.example/', '--upstream', 'https://api.example/lookup'],
    ...['--facilitator', 'https://facilitator.example/', '--json'],
  ];
  await execute(process.execPath, [packed.create, ...answers], { cwd: folder, env: environment() });
  await installInto(project, packed);
  await putKey(
    { home: join(folder, 'home'), directory: project, env: {} },
    'buyer',
    people.agent.privateKey,
  );
  original = await readFile(join(project, 'wrangler.toml'), 'utf8');
  tools = await readFile(join(project, 'tools.json'), 'utf8');
  const vars = await readFile(join(project, '.dev.vars'), 'utf8');
  secrets.push(
    ...[
      /RECEIPT_KEY=.*"d":"([\w-]{43})"/,
      /LOG_KEY=.*"d":"([\w-]{43})"/,
      /RELAYER_KEY='0x([0-9a-f]{64})'/,
    ].map((secret) => secret.exec(vars)?.[1] ?? ''),
  );
  const { rpc, facilitator, upstream } = world().stack.description;
  const variables = {
    LOCAL_STACK: 'true',
    RPC_URLS: JSON.stringify({ 'eip155:84532': [rpc] }),
    FACILITATORS: JSON.stringify([{ url: facilitator }]),
    UPSTREAM_URL: upstream,
  };
  // Serve the "deployed" gateway from a copy of the project: `wrangler dev` restarts whenever `wrangler.toml` changes, and may crash then.
  const live = join(folder, 'live');
  await cp(project, live, { recursive: true, verbatimSymlinks: true });
  const migrate = [wrangler, 'd1', 'migrations', 'apply', 'AUDIT_DB', '--local'];
  await execute(process.execPath, migrate, { cwd: live, env: environment({ CI: '1' }) });
  started.push(
    startProcess({
      program: process.execPath,
      arguments: [
        ...[wrangler, 'dev', '--local', `--ip=${LOOPBACK}`, `--port=${port}`],
        ...[`--inspector-port=${await freePort()}`, '--show-interactive-dev-session=false'],
        ...Object.entries(variables).flatMap(([name, value]) => ['--var', `${name}:${value}`]),
      ],
      directory: live,
      environment: environment({ CLOUDFLARE_CF_FETCH_ENABLED: 'false' }),
      log: join(folder, 'dev.log'),
    }),
  );
  await vi.waitUntil(
    async () => (await fetch(`${gateway}/healthz`).catch(() => undefined))?.status === 200,
    { timeout: 60_000, interval: 100 },
  );
}, 300_000);

beforeEach(async () => {
  cloudflare = await openFakeCloudflare();
  await writeFile(join(project, 'wrangler.toml'), original);
  await writeFile(join(project, 'tools.json'), tools);
});

afterEach(async () => {
  await cloudflare.close();
});

afterAll(async () => {
  for (const group of started) await group.kill();
  await rm(folder, { recursive: true, force: true });
});

describe('countersign deploy', () => {
  // Each attempt starts wrangler at least six times. So deploy-resume.test.ts, which starts no processes, tests a stop after every change.
  it('continues after a crash or an error, makes nothing twice, and pays the live gateway once', async () => {
    const argvs: string[] = [];
    const ran: Ran[] = [];
    const attempt = async (...words: readonly string[]): Promise<Ran> => {
      const one = await deploy(['--yes', '--json', ...words]);
      ran.push(one);
      cloudflare.onEffect = () => undefined;
      return one;
    };
    crashAfter(/^POST \/d1\/database$/);
    expect((await attempt()).code).toBeNull();
    expect(await readFile(join(project, 'wrangler.toml'), 'utf8')).toBe(original);

    crashAfter(/secrets-bulk$/);
    const crash = cloudflare.onEffect;
    cloudflare.onEffect = async (line) => {
      if (line.endsWith('/secrets-bulk')) argvs.push(...(await commandLines()));
      await crash(line);
    };
    expect((await attempt()).code).toBeNull();
    crashAfter(/^POST \/d1\/database\/.*\/query$/, 3);
    expect((await attempt()).code).toBeNull();
    cloudflare.failures.set('PUT /workers/scripts/my-shop/schedules', 'No more cron triggers.');
    const failed = await attempt();
    cloudflare.failures.clear();
    expect(failed.code).toBe(1);
    expect(errorOf(failed)).toMatchObject({
      code: 'deploy_stopped',
      message: expect.stringContaining('No more cron triggers.') as string,
      done: 'migrations',
      failed: 'Worker',
      command: 'npx wrangler deploy',
    });

    const last = await attempt('--as', 'buyer', '--try', '/tools/lookup?word=river');
    expect(last.code, last.stdout + last.stderr).toBe(0);
    expect(JSON.parse(last.stdout)).toMatchObject({
      ok: true,
      gateway: AUDIENCE,
      offer: { price: '$0.01 in USDC on base-sepolia' },
      paid: { status: 200, receipt: 'verified' },
    });

    expect(requestsOf(/^POST \/d1\/database$/)).toHaveLength(1);
    expect(requestsOf(/^POST \/r2\/buckets$/)).toHaveLength(1);
    expect([...cloudflare.buckets]).toEqual(['my-shop-countersign-archive']);
    expect(requestsOf(/^POST \/queues$/)).toHaveLength(6);
    // The first of the two requests fails, because no Worker exists yet.
    expect(requestsOf(/secrets-bulk$/)).toHaveLength(2);
    const [[id, { sql }] = fail()] = cloudflare.databases;
    const applied = sql.prepare('SELECT name FROM d1_migrations').all();
    expect(applied.map(({ name }) => name)).toEqual(
      (await readdir(join(ROOT, 'src/audit/migrations'))).toSorted(),
    );
    expect([...cloudflare.queues.values()].map(({ consumers }) => consumers)).toEqual(
      Array.from({ length: 6 }, () => [expect.objectContaining({ script: 'my-shop' })]),
    );
    const toml = await readFile(join(project, 'wrangler.toml'), 'utf8');
    expect(toml).toContain(`database_id = "${id}"`);
    expect(toml.replace(/^database_id = .*\n/m, '')).toBe(original);

    const worker = cloudflare.workers.get('my-shop') ?? fail();
    expect(worker.isPublic).toBe(true);
    expect(worker.schedules).toEqual([{ cron: '* * * * *' }]);
    const vars = await readFile(join(project, '.dev.vars'), 'utf8');
    expect(Object.keys(worker.secrets).toSorted()).toEqual([
      'LOG_KEY',
      'RECEIPT_KEY',
      'RELAYER_KEY',
    ]);
    for (const [name, value] of Object.entries(worker.secrets))
      expect(vars).toContain(`${name}='${value}'`);
    expect(argvs.join('\n')).toContain('secret');
    const logs = await textsBelow(join(folder, 'config'));
    for (const secret of secrets)
      for (const text of [...argvs, ...ran.flatMap((one) => [one.stdout, one.stderr]), ...logs])
        expect(text).not.toContain(secret);
  }, 300_000);

  it('blocks the plan where a name belongs to something else', async () => {
    const dryRun = async () => {
      const one = await deploy(['--dry-run', '--json']);
      const { plan } = JSON.parse(one.stdout) as {
        readonly plan: readonly Readonly<Record<'step' | 'name' | 'state', string>>[];
      };
      return {
        code: one.code,
        states: Object.fromEntries(plan.map(({ step, name, state }) => [`${step} ${name}`, state])),
      };
    };
    const [queue, database] = ['my-shop-countersign-settlement', 'my-shop-countersign-audit'];
    cloudflare.queues.set(queue, {
      ...{ id: 'a', name: queue },
      consumers: [{ consumer_id: 'c', script: 'other-shop', settings: {} }],
    });
    const sql = new DatabaseSync(':memory:');
    cloudflare.databases.set('00000000-0000-4000-8000-000000000000', { name: database, sql });
    sql.exec('CREATE TABLE calls (id TEXT)');
    const { code, states } = await dryRun();
    expect(code).toBe(1);
    expect(states[`queue ${queue}`]).toBe('blocked');
    expect(states[`D1 database ${database}`]).toBe('blocked');
    expect(states['queue my-shop-countersign-webhooks']).toBe('make');
    expect(
      cloudflare.requests.filter((line) => /^(?:PUT|PATCH|DELETE)|queues$.*POST/.test(line)),
    ).toEqual([]);
  });

  it('blocks the plan where the account has no R2, and goes on without the binding', async () => {
    cloudflare.failures.set(
      'GET /r2/buckets',
      'Please enable R2 through the Cloudflare Dashboard.',
    );
    const planned = async () => {
      const { stdout } = await deploy(['--dry-run', '--json']);
      const { plan } = JSON.parse(stdout) as {
        readonly plan: readonly Readonly<Record<string, string>>[];
      };
      return plan.filter(({ step }) => step === 'R2 bucket');
    };
    expect(await planned()).toMatchObject([
      {
        state: 'blocked',
        says: expect.stringContaining('enable R2') as string,
        hint: expect.stringContaining('[[r2_buckets]]') as string,
      },
    ]);
    await edit(/\[\[r2_buckets\]\]\nbinding = .*\nbucket_name = .*\n/, '');
    expect(await planned()).toEqual([]);
  });

  it('prints the plan without an account and without a network, and says what it could not check', async () => {
    const nowhere = 'http://127.0.0.1:1';
    const hosts = ['rpc.example', 'facilitator.example', 'api.example', 'shop.example'];
    const one = await deploy(['--dry-run', '--json'], {
      TEST_HOSTS: JSON.stringify(Object.fromEntries(hosts.map((host) => [host, nowhere]))),
      CLOUDFLARE_API_BASE_URL: nowhere,
    });
    expect(one.code, one.stdout + one.stderr).toBe(0);
    const { ok, checks, plan } = JSON.parse(one.stdout) as {
      readonly ok: boolean;
      readonly checks: readonly { readonly name: string; readonly status: string }[];
      readonly plan: readonly { readonly state: string; readonly says: string }[];
    };
    expect(ok).toBe(true);
    expect(checks.filter(({ status }) => status === 'skip').map(({ name }) => name)).toEqual([
      'RPC base-sepolia',
      'facilitator',
    ]);
    expect(plan[0]).toMatchObject({ state: 'unknown', says: 'not signed in to Cloudflare' });
    expect(cloudflare.requests).toEqual([]);
  });

  it.each([
    [
      'an audience on this machine',
      async () => edit(AUDIENCE, 'http://localhost:8787'),
      { AUDIENCES: expect.stringContaining('http://localhost:8787') as string },
    ],
    [
      'LOCAL_STACK',
      async () => edit('LOCAL_STACK = "false"', 'LOCAL_STACK = "true"'),
      { LOCAL_STACK: 'lets the gateway call private addresses' },
    ],
    [
      'a bad tools.json',
      async () => {
        const path = join(project, 'tools.json');
        await writeFile(path, tools.replace('$0.01', '0.01 dollars'));
      },
      { 'tools.json': expect.stringContaining('tools[0].price') as string },
    ],
  ])(
    'refuses %s before a request reaches Cloudflare, and wrangler deploy does too',
    async (_, spoil, faults) => {
      await spoil();
      const refused = await deploy(['--yes', '--json']);
      expect(errorOf(refused)).toMatchObject({ code: 'checks_failed', ...faults });
      const plain = await execute(process.execPath, [wrangler, 'deploy'], {
        cwd: project,
        env: environment(signedIn()),
      }).catch((error: Ran) => error);
      expect(plain.stdout + plain.stderr).toContain(Object.keys(faults)[0]);
      expect(plain).toMatchObject({ code: 1 });
      expect(requestsOf(/^(?:POST|PUT|PATCH)/)).toEqual([]);
    },
  );
});

const wrangler = join(ROOT, 'node_modules/wrangler/bin/wrangler.js');

const fail = (): never => {
  throw new Error('is missing');
};

const errorOf = ({ stdout }: Ran): unknown =>
  (JSON.parse(stdout) as { readonly error: unknown }).error;

const textsBelow = async (directory: string): Promise<readonly string[]> => {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async ({ parentPath, name }) => await readFile(join(parentPath, name), 'utf8')),
  );
};

/** Command lines of all processes that this user can read. */
const commandLines = async (): Promise<readonly string[]> =>
  await Promise.all(
    (await readdir('/proc'))
      .filter((name) => /^[0-9]+$/.test(name))
      .map(async (pid) => await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
  );
