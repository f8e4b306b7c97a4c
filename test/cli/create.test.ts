import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
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
import { installInto, type Packed, packPackages } from './support/packed.ts';

/**
 * Both packages as npm would install them, in a folder with a space in its name. The tests have no registry: `countersign` is unpacked into
 * the project's `node_modules`, with wrangler from this repository. The Worker needs no other dependency of the package.
 */
const run = promisify(execFile);
const world = useWorld();
let folder = '';
let project = '';
let packed: Packed;
let port = 0;
const started: ProcessGroup[] = [];

const environment = (): NodeJS.ProcessEnv => ({
  ...process.env,
  NODE_ENV: undefined,
  HOME: folder,
  COUNTERSIGN_HOME: join(folder, 'home'),
  COUNTERSIGN_PASSWORD: 'correct horse battery',
  CI: '1',
  WRANGLER_SEND_METRICS: 'false',
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
});

const create = async (...words: readonly string[]) =>
  await run(process.execPath, [packed.create, ...words, '--json'], {
    cwd: folder,
    env: environment(),
  });

const options = (): readonly string[] => {
  const { rpc, facilitator, upstream } = world().stack.description;
  return [
    ...['my shop', '--yes', '--local-stack', '--pay-to', people.seller, '--rpc', rpc],
    ...['--upstream', `${upstream}/lookup`, '--facilitator', facilitator],
    ...['--audience', `http://${LOOPBACK}:${port}`, '--new-operator', 'boss'],
  ];
};

const wrangler = join(ROOT, 'node_modules/wrangler/bin/wrangler.js');

/** Every file that the command may write, by name. */
const texts = async (): Promise<Readonly<Record<string, string>>> => {
  const names = (await readdir(project, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('node_modules'))
    .map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await readFile(name, 'utf8')] as const)),
  );
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'countersign new user '));
  project = join(folder, 'my shop');
  port = await freePort();
  packed = await packPackages(folder);
  await create(...options());
  await installInto(project, packed);
}, 300_000);

afterAll(async () => {
  for (const group of started) await group.kill();
  await rm(folder, { recursive: true, force: true });
});

describe('npm create countersign', () => {
  it('writes a Worker of three statements, its settings and keys that only their owner reads', async () => {
    const files = await texts();
    expect(
      Object.keys(files)
        .map((name) => name.slice(project.length + 1))
        .toSorted(),
    ).toEqual([
      '.dev.vars',
      '.dev.vars.staging',
      '.gitignore',
      'README.md',
      'package.json',
      'src/index.ts',
      'tools.json',
      'wrangler.toml',
    ]);
    expect((await stat(join(project, '.dev.vars'))).mode & 0o777).toBe(0o600);
    expect(files[join(project, '.gitignore')]).toContain('.dev.vars\n');
    expect(files[join(project, 'wrangler.toml')]).toMatch(/^name = "my-shop"$/m);
    // Without the prefix, the queues, databases and datasets of two projects would collide in one Cloudflare account.
    const toml = files[join(project, 'wrangler.toml')] ?? '';
    expect(toml).not.toMatch(/= "countersign/);
    expect(toml.match(/"my-shop-countersign-[a-z-]+"/g)).toHaveLength(17);
    expect(toml.match(/"my-shop-staging-countersign-[a-z-]+"/g)).toHaveLength(17);
    expect((await stat(join(project, '.dev.vars.staging'))).mode & 0o777).toBe(0o600);
    const boss = await readFile(join(folder, 'home/keys/boss.json'), 'utf8');
    const { address } = JSON.parse(boss) as { readonly address: string };
    expect(files[join(project, 'wrangler.toml')]?.toLowerCase()).toContain(
      `operators = "0x${address}"`,
    );
  });

  it('changes nothing in a second run with the same answers', async () => {
    const before = await texts();
    await create(...options());
    expect(await texts()).toEqual(before);
  });

  it('writes nothing into a folder of something else, or for a bad address', async () => {
    const tried = async (...words: readonly string[]) =>
      await create(...words).catch((error: { readonly stderr: string }) => error.stderr);
    expect(await tried('home', ...options().slice(1))).toContain('not empty');
    const own = ['--pay-to', people.seller, '--operator', people.seller];
    expect(await tried('other', ...options().slice(1), ...own)).toContain('receiving address');
    const zero = ['--pay-to', `0x${'0'.repeat(40)}`];
    expect(await tried('other', ...options().slice(1), ...zero)).toContain('not an address');
    expect(await readdir(folder)).not.toContain('other');
  });

  it('makes a project that wrangler would deploy, once its audience is not on this machine', async () => {
    const path = join(project, 'wrangler.toml');
    const toml = await readFile(path, 'utf8');
    const { rpc, facilitator, upstream } = world().stack.description;
    const local = [`http://${LOOPBACK}:${port}`, rpc, facilitator, upstream];
    const deployed = local.reduce(
      (text, origin, at) => text.replaceAll(origin, `https://part${at}.example`),
      toml,
    );
    await writeFile(path, deployed);
    const words = [wrangler, 'deploy', '--dry-run', '--outdir', join(folder, 'out')];
    const { stdout } = await run(process.execPath, words, { cwd: project, env: environment() });
    expect(stdout).toContain('--dry-run: exiting now');
    await writeFile(path, toml);
  });

  it('sells the first tool under wrangler dev', async () => {
    const migrate = [wrangler, 'd1', 'migrations', 'apply', 'AUDIT_DB', '--local'];
    await run(process.execPath, migrate, { cwd: project, env: environment() });
    const group = startProcess({
      program: process.execPath,
      arguments: [
        ...[wrangler, 'dev', '--local', `--ip=${LOOPBACK}`, `--port=${port}`],
        ...[`--inspector-port=${await freePort()}`, '--show-interactive-dev-session=false'],
      ],
      directory: project,
      environment: environment(),
      log: join(folder, 'dev.log'),
    });
    started.push(group);
    const url = `http://${LOOPBACK}:${port}`;
    await expect
      .poll(async () => (await fetch(`${url}/healthz`).catch(() => undefined))?.status, {
        timeout: 60_000,
        interval: 100,
      })
      .toBe(200);
    const tool = `${url}/tools/lookup?word=river`;
    expect((await fetch(tool)).status).toBe(402);
    const agent = createAgent({
      account: privateKeyToAccount(people.agent.privateKey),
      spend: { perCall: '$0.01', total: '$0.01' },
    });
    const answer = await agent.fetch(tool);
    expect([answer.status, answer.countersign.receipt?.verified]).toEqual([200, true]);
  });
});
