import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { people } from '../../dev/stack/people.ts';
import { documentIn, type Ran } from './support/command.ts';
import {
  FAKE_ACCOUNT,
  type FakeCloudflare,
  openFakeCloudflare,
} from './support/fake-cloudflare.ts';
import { installInto, packPackages } from './support/packed.ts';

/** The packed command and the real wrangler, in a project that `create-countersign` wrote, against a fake of Cloudflare's API. */
const execute = promisify(execFile);
const ORIGIN = 'https://signer.example';
let folder = '';
let project = '';
let cloudflare: FakeCloudflare;

const environment = (): NodeJS.ProcessEnv =>
  ({
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
    XDG_CONFIG_HOME: join(folder, 'config'),
    COUNTERSIGN_HOME: join(folder, 'home'),
    WRANGLER_SEND_METRICS: 'false',
    WRANGLER_HIDE_BANNER: 'true',
    CLOUDFLARE_API_BASE_URL: cloudflare.url,
    CLOUDFLARE_API_TOKEN: 'token',
    CLOUDFLARE_ACCOUNT_ID: FAKE_ACCOUNT,
  }) as unknown as NodeJS.ProcessEnv;

const run = async (...words: readonly string[]): Promise<Ran> => {
  const command = join(project, 'node_modules/countersign/dist/cli/index.js');
  const options = { cwd: project, env: environment() };
  return await execute(process.execPath, [command, ...words, '--json'], options).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: Ran & { readonly code: number }) => error,
  );
};

beforeAll(async () => {
  cloudflare = await openFakeCloudflare();
  folder = await mkdtemp(join(tmpdir(), 'countersign signer '));
  project = join(folder, 'shop');
  const packed = await packPackages(folder);
  const answers = [
    ...['shop', '--yes', '--skip-checks', '--pay-to', people.seller, '--json'],
    ...['--audience', 'https://shop.example', '--rpc', 'https://rpc.example/'],
    ...[
      '--upstream',
      'https://api.example/lookup',
      '--facilitator',
      'https://facilitator.example/',
    ],
  ];
  await execute(process.execPath, [packed.create, ...answers], { cwd: folder, env: environment() });
  await installInto(project, packed);
}, 300_000);
afterAll(async () => {
  await cloudflare.close();
  await rm(folder, { recursive: true, force: true });
});

const keyIn = async (): Promise<string> =>
  /^SIGNER_KEY='(.{44})'$/m.exec(await readFile(join(project, '.dev.vars'), 'utf8'))?.[1] ?? '';

test('a project gets a signer, which is deployed beside its gateway and not twice', async () => {
  expect((await run('deploy', '--signer', '--dry-run')).code).toBe(1);
  expect(documentIn(await run('signer', 'init'))).toMatchObject({ error: { code: 'usage' } });

  const before = await readFile(join(project, '.dev.vars'), 'utf8');
  const added = await run('signer', 'init', '--owner', people.owner.address, '--origin', ORIGIN);
  expect(documentIn(added)).toMatchObject({
    files: ['wrangler.signer.toml', 'src/signer.ts', '.dev.vars'],
    owners: [people.owner.address],
  });
  const key = await keyIn();
  expect(Buffer.from(key, 'base64')).toHaveLength(32);
  expect(added.stdout + added.stderr).not.toContain(key);
  expect(await readFile(join(project, '.dev.vars'), 'utf8')).toContain(before.trimEnd());
  expect((await stat(join(project, '.dev.vars'))).mode & 0o777).toBe(0o600);
  const again = documentIn(await run('signer', 'init', '--owner', people.owner.address));
  expect(again).toMatchObject({ changed: false, files: [] });
  expect(await keyIn()).toBe(key);

  const toml = join(project, 'wrangler.signer.toml');
  const good = await readFile(toml, 'utf8');
  await writeFile(toml, good.replace(ORIGIN, 'http://127.0.0.1:8787'));
  expect(documentIn(await run('deploy', '--signer', '--yes'))).toMatchObject({
    error: { code: 'checks_failed', SIGNER_ORIGIN: expect.stringContaining('127.0.0.1') },
  });
  expect(cloudflare.workers.size).toBe(0);
  await writeFile(toml, good);

  const deployed = await run('deploy', '--signer', '--yes');
  expect(deployed.code, deployed.stdout + deployed.stderr).toBe(0);
  expect(documentIn(deployed)).toMatchObject({ worker: 'shop-signer', signer: ORIGIN });
  expect(deployed.stdout + deployed.stderr).not.toContain(key);
  expect([...cloudflare.queues.keys()].toSorted()).toEqual([
    'shop-signer-audit',
    'shop-signer-audit-dead',
  ]);
  expect([...cloudflare.databases.values()].map(({ name }) => name)).toEqual(['shop-signer-audit']);
  expect([...cloudflare.workers.keys()]).toEqual(['shop-signer']);

  const { plan } = documentIn(await run('deploy', '--signer', '--dry-run')) as {
    plan: readonly { readonly step: string; readonly state: string }[];
  };
  const made = plan.filter(({ state }) => state !== 'exists').map(({ step }) => step);
  expect(made).toEqual(['migrations', 'Worker']);
}, 300_000);

test('doctor names what is wrong with a signer', async () => {
  const toml = join(project, 'wrangler.signer.toml');
  const good = await readFile(toml, 'utf8');
  const checksWith = async (text: string) => {
    await writeFile(toml, text);
    const { checks } = documentIn(await run('doctor')) as {
      checks: readonly { readonly name: string; readonly status: string }[];
    };
    await writeFile(toml, good);
    return Object.fromEntries(checks.map(({ name, status }) => [name, status]));
  };
  expect(await checksWith(good)).toMatchObject({ signer: 'ok', SIGNER_KEY: 'ok' });
  expect(await checksWith(good.replace(/^OWNERS = .*$/m, 'OWNERS = ""'))).toMatchObject({
    OWNERS: 'warn',
  });
  expect(await checksWith(good.replace('"KEYRING"', '"KEYS"'))).toMatchObject({ bindings: 'fail' });
  expect(await checksWith(good.replace(ORIGIN, 'ftp://x'))).toMatchObject({
    SIGNER_ORIGIN: 'fail',
  });
}, 300_000);
