import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createAgent } from 'countersign/client';
import { privateKeyToAccount } from 'viem/accounts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROOT } from '../../dev/root.ts';
import { freePort, LOOPBACK } from '../../dev/stack/loopback.ts';
import { people } from '../../dev/stack/people.ts';
import { type ProcessGroup, startProcess } from '../../dev/stack/process.ts';
import { useWorld } from '../conformance/support/world.ts';
import type { Paste } from '../../src/cli/init/paste.ts';
import { documentIn, pipe } from './support/command.ts';
import { pasted } from './support/paste.ts';
import { putShop, SHOP } from './support/shop.ts';

/** Mounts the gateway in an operator's existing Worker, with the package as npm would install it, and pays for a call through it. */
const run = promisify(execFile);
const world = useWorld();
let folder = '';
let project = '';
let port = 0;
const started: ProcessGroup[] = [];

const environment = (): Record<string, string> => ({
  PATH: process.env['PATH'] ?? '',
  HOME: folder,
  COUNTERSIGN_HOME: join(folder, 'home'),
  CI: '1',
  WRANGLER_SEND_METRICS: 'false',
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
});

const init = async (...words: readonly string[]) =>
  await pipe({ env: environment(), directory: project }, ['init', ...words]);

const options = (): readonly string[] => {
  const { rpc, facilitator, upstream } = world().stack.description;
  return [
    ...['--local-stack', '--pay-to', people.seller, '--rpc', rpc, '--network', 'base-sepolia'],
    ...['--upstream', `${upstream}/lookup`, '--facilitator', facilitator],
    ...['--audience', `http://${LOOPBACK}:${port}`],
  ];
};

const wrangler = async (...words: readonly string[]) =>
  await run(process.execPath, [join(ROOT, 'node_modules/wrangler/bin/wrangler.js'), ...words], {
    cwd: project,
    env: environment() as unknown as NodeJS.ProcessEnv,
  });

/** The text of every file of the project by name, without installed packages and wrangler's files. */
const texts = async (): Promise<Readonly<Record<string, string>>> => {
  const names = (await readdir(project, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(project.length + 1))
    .filter((name) => !/^(?:node_modules|\.wrangler)\//.test(name));
  return Object.fromEntries(
    await Promise.all(
      names.map(async (name) => [name, await readFile(join(project, name), 'utf8')] as const),
    ),
  );
};

const url = (path: string): string => `http://${LOOPBACK}:${port}${path}`;
const textOf = async (path: string): Promise<string> => await (await fetch(url(path))).text();
const orders = async (): Promise<readonly string[]> =>
  JSON.parse(await textOf('/orders')) as readonly string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'countersign mount '));
  project = join(folder, 'my shop');
  port = await freePort();
  await putShop(project);
  const packed = join(project, 'node_modules/countersign');
  await mkdir(packed);
  await run('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], { cwd: ROOT });
  const archive = (await readdir(folder)).find((name) => name.endsWith('.tgz')) ?? '';
  const words = ['xzf', join(folder, archive), '-C', packed, '--strip-components', '1'];
  await run('tar', words);
});

afterAll(async () => {
  for (const group of started) await group.kill();
  await rm(folder, { recursive: true, force: true });
});

describe('init in the Worker of a shop', () => {
  it('writes new files alone, adds keys to .dev.vars, and prints the lines to paste', async () => {
    const { code, stdout, stderr } = await init('--yes', ...options());
    expect(code, stderr).toBe(0);
    const files = await texts();
    const { '.dev.vars': secrets = '' } = files;
    expect(files).toMatchObject({ ...SHOP, '.dev.vars': secrets });
    expect(Object.keys(files).toSorted()).toEqual(
      [...Object.keys(SHOP), 'src/gateway.ts', 'tools.json'].toSorted(),
    );
    expect(secrets).toContain(SHOP['.dev.vars']);
    expect(files['src/gateway.ts']).toContain("export { Counter } from './index.js';");
    expect(stderr).toContain("+RECEIPT_KEY='…'");
    expect(stdout + stderr).not.toContain('sesame');
    for (const [key] of secrets.matchAll(/(?<="d":")[\w-]+|(?<=0x)[0-9a-f]{64}/g))
      expect(stdout + stderr).not.toContain(key);

    expect(stdout).toContain('wrangler.toml:3  instead of main\nmain = "src/gateway.ts"');
    expect(stdout).toContain('queue = "the-shop-');
    expect((await init('--yes', ...options())).code).toBe(0);
    expect(await texts()).toEqual(files);
  });

  it('is set up once the lines are pasted: another run changes nothing', async () => {
    const { paste } = documentIn(await init('--yes', ...options(), '--json')) as {
      readonly paste: readonly Paste[];
    };
    await writeFile(join(project, 'wrangler.toml'), pasted(SHOP['wrangler.toml'] ?? '', paste));
    const files = await texts();
    const done = { written: [], paste: [] };
    expect(documentIn(await init('--yes', ...options(), '--json'))).toMatchObject(done);
    expect(documentIn(await init('--yes', '--json'))).toMatchObject(done);
    expect(await texts()).toEqual(files);
  });

  it('makes a Worker that wrangler would deploy', async () => {
    const { stdout } = await wrangler('deploy', '--dry-run', '--outdir', join(folder, 'out'));
    expect(stdout).toContain('--dry-run: exiting now');
  });

  it('compiles under strict TypeScript, with the types that wrangler writes', async () => {
    await wrangler('types', '--strict-vars=false');
    const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
    const { stdout } = await run(process.execPath, [compiler, '-p', project]).catch(
      (error: { readonly stdout: string }) => error,
    );
    expect(stdout).toBe('');
    await rm(join(project, 'worker-configuration.d.ts'));
  });

  it('serves the routes, the queue and the cron triggers of the shop, and sells a tool', async () => {
    await wrangler('d1', 'migrations', 'apply', 'DB', '--local');
    await wrangler('d1', 'migrations', 'apply', 'AUDIT_DB', '--local');
    const group = startProcess({
      program: process.execPath,
      arguments: [
        ...[join(ROOT, 'node_modules/wrangler/bin/wrangler.js'), 'dev', '--local'],
        ...[`--ip=${LOOPBACK}`, `--port=${port}`, `--inspector-port=${await freePort()}`],
        '--show-interactive-dev-session=false',
      ],
      directory: project,
      environment: environment() as unknown as NodeJS.ProcessEnv,
      log: join(folder, 'dev.log'),
    });
    started.push(group);
    const patience = { timeout: 60_000, interval: 100 };
    await expect
      .poll(async () => (await fetch(url('/healthz')).catch(() => undefined))?.status, patience)
      .toBe(200);
    expect(await textOf('/hello')).toBe('hello sesame');
    expect([await textOf('/visits'), await textOf('/visits')]).toEqual(['1', '2']);
    expect((await fetch(url('/nowhere'))).status).toBe(404);

    await fetch(url('/orders'), { method: 'POST', body: 'tea' });
    await expect.poll(orders, patience).toEqual(['tea']);
    for (const cron of ['* * * * *', '0-59 * * * *', '0 3 * * *'])
      await fetch(url(`/cdn-cgi/local/scheduled?cron=${encodeURIComponent(cron)}`));
    await expect.poll(orders, patience).toEqual(['tea', 'cron * * * * *', 'cron 0 3 * * *']);

    expect((await fetch(url('/tools/example?word=river'))).status).toBe(402);
    const agent = createAgent({
      account: privateKeyToAccount(people.agent.privateKey),
      spend: { perCall: '$0.01', total: '$0.01' },
    });
    const answer = await agent.fetch(url('/tools/example?word=river'));
    expect([answer.status, answer.countersign.receipt?.verified], group.output()).toEqual([
      200,
      true,
    ]);
    await group.kill();
  });
});
