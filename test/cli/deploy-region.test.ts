import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ROOT } from '../../dev/root.ts';
import { people } from '../../dev/stack/people.ts';
import { useWorld } from '../conformance/support/world.ts';
import {
  FAKE_ACCOUNT,
  type FakeCloudflare,
  openFakeCloudflare,
} from './support/fake-cloudflare.ts';
import { installInto, packPackages } from './support/packed.ts';

/**
 * A project that the packed `create-countersign` wrote for a jurisdiction, and its environment for tests, deployed by the packed command and the
 * real wrangler to a fake of Cloudflare's API.
 */
const world = useWorld();
let folder = '';
let project = '';
let create = '';
let cloudflare: FakeCloudflare;

type Ran = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

const run = async (words: readonly string[], cwd: string): Promise<Ran> => {
  const { rpc, facilitator, upstream } = world().stack.description;
  const child = spawn(process.execPath, words, {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: folder,
      COUNTERSIGN_HOME: join(folder, 'home'),
      WRANGLER_SEND_METRICS: 'false',
      WRANGLER_HIDE_BANNER: 'true',
      CLOUDFLARE_API_BASE_URL: cloudflare.url,
      CLOUDFLARE_API_TOKEN: 'token',
      CLOUDFLARE_ACCOUNT_ID: FAKE_ACCOUNT,
      NODE_OPTIONS: `--import=${pathToFileURL(join(ROOT, 'test/cli/support/reroute.mjs')).href}`,
      TEST_HOSTS: JSON.stringify({
        'rpc.example': rpc,
        'facilitator.example': facilitator,
        'api.example': upstream,
        'shop.example': 'http://127.0.0.1:1',
        'staging.example': 'http://127.0.0.1:1',
      }),
    } as unknown as NodeJS.ProcessEnv,
  });
  const output = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const)
    child[stream].on('data', (chunk: Buffer) => {
      output[stream] += chunk.toString();
    });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, ...output };
};

const countersign = async (...words: readonly string[]): Promise<Ran> =>
  run([join(project, 'node_modules/countersign/dist/cli/index.js'), ...words, '--json'], project);

const answerOf = <T>({ stdout }: Ran): T => JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as T;

type Plan = {
  readonly plan: readonly Readonly<Record<'step' | 'state' | 'says', string>>[];
};
type Doctor = {
  readonly checks: readonly Readonly<Record<'name' | 'status' | 'says', string>>[];
};

const edit = async (from: string, to: string): Promise<void> => {
  const path = join(project, 'wrangler.toml');
  const text = await readFile(path, 'utf8');
  expect(text).toContain(from);
  await writeFile(path, text.replace(from, to));
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'countersign region '));
  project = join(folder, 'shop');
  cloudflare = await openFakeCloudflare();
  const packed = await packPackages(folder);
  ({ create } = packed);
  const answers = [
    ...['shop', '--yes', '--skip-checks', '--pay-to', people.seller, '--jurisdiction', 'eu'],
    ...['--rpc', 'https://rpc.example/', '--upstream', 'https://api.example/lookup'],
    ...['--facilitator', 'https://facilitator.example/', '--audience', 'https://shop.example'],
  ];
  const ran = await run([create, ...answers, '--json'], folder);
  if (ran.code !== 0) throw new Error(ran.stdout + ran.stderr);
  await installInto(project, packed);
}, 300_000);

afterAll(async () => {
  await cloudflare.close();
  await rm(folder, { recursive: true, force: true });
});

it('creates every part in the jurisdiction, shows where each is, and refuses another one', async () => {
  const toml = await readFile(join(project, 'wrangler.toml'), 'utf8');
  const deployed = await countersign('deploy', '--yes', '--wait', '1');
  // Nothing serves the audience: only the last step, the request for an offer, can fail.
  expect(cloudflare.workers.get('shop')?.versions.length, deployed.stdout + deployed.stderr).toBe(
    2,
  );
  const [[, database] = []] = cloudflare.databases;
  expect(database).toMatchObject({ name: 'shop-countersign-audit', jurisdiction: 'eu' });
  expect([...cloudflare.buckets]).toEqual(['eu/shop-countersign-archive']);
  expect([...cloudflare.queues.values()].map(({ jurisdiction }) => jurisdiction)).toEqual(
    Array.from({ length: 6 }, () => 'eu'),
  );
  const bindings = cloudflare.workers.get('shop')?.bindings ?? [];
  expect(bindings).toContainEqual(expect.objectContaining({ name: 'JURISDICTION', text: 'eu' }));
  expect(bindings).toContainEqual(
    expect.objectContaining({ name: 'AUDIT_ARCHIVE', jurisdiction: 'eu' }),
  );

  // The first start stores where its objects are.
  database?.sql.exec("INSERT INTO placement (id, jurisdiction) VALUES (1, 'eu')");
  const places = async () =>
    answerOf<Doctor>(await countersign('doctor')).checks.filter(({ name }) => name === 'region');
  expect(await places()).toEqual([
    { name: 'region', status: 'ok', says: 'objects: eu' },
    { name: 'region', status: 'ok', says: 'D1 database shop-countersign-audit: eu' },
    { name: 'region', status: 'ok', says: 'R2 bucket shop-countersign-archive: eu' },
    { name: 'region', status: 'ok', says: '6 queues: eu' },
  ]);

  await edit('JURISDICTION = "eu"', 'JURISDICTION = "us"');
  const { plan } = answerOf<Plan>(await countersign('deploy', '--dry-run'));
  const blocked = plan.filter(({ state }) => state === 'blocked').map(({ step }) => step);
  expect(new Set(blocked)).toEqual(new Set(['D1 database', 'R2 bucket', 'queue']));
  const failed = (await places()).filter(({ status }) => status === 'fail');
  expect(failed.map(({ says }) => says)).toContain('objects: eu, JURISDICTION is for us');
  const versions = cloudflare.workers.get('shop')?.versions.length;
  expect((await countersign('deploy', '--yes')).code).not.toBe(0);
  expect(cloudflare.workers.get('shop')?.versions.length).toBe(versions);

  // Only the row shows it if the database itself says nothing: e.g. JURISDICTION was empty before, or the list has no such member.
  cloudflare.databases.forEach((each, id) =>
    cloudflare.databases.set(id, { ...each, jurisdiction: 'us' }),
  );
  const [first] = answerOf<Plan>(await countersign('deploy', '--dry-run')).plan;
  expect(first).toMatchObject({
    state: 'blocked',
    says: expect.stringContaining('the gateway started with eu') as string,
  });
  await writeFile(join(project, 'wrangler.toml'), toml);
}, 300_000);

it('deploys the environment for tests beside it, and refuses a key or a name of production there', async () => {
  const before = cloudflare.workers.get('shop')?.versions.length;
  const staging = ['deploy', '--env', 'staging', '--audience', 'https://staging.example'];
  // The test network of the fake world is that of production too.
  const deployed = await countersign(...staging, '--yes', '--wait', '1');
  const worker = cloudflare.workers.get('shop-staging');
  expect(worker?.versions.length, deployed.stdout + deployed.stderr).toBe(2);
  expect(cloudflare.workers.get('shop')?.versions.length).toBe(before);
  expect([...cloudflare.buckets]).toContain('eu/shop-staging-countersign-archive');
  expect([...cloudflare.databases.values()].map(({ name }) => name)).toContain(
    'shop-staging-countersign-audit',
  );
  expect(cloudflare.queues.size).toBe(12);
  const production = cloudflare.workers.get('shop')?.secrets ?? {};
  expect(Object.keys(worker?.secrets ?? {}).toSorted()).toEqual(Object.keys(production).toSorted());
  for (const [name, secret] of Object.entries(production))
    expect(worker?.secrets[name]).not.toBe(secret);

  const checksOf = async () =>
    answerOf<Doctor>(await countersign('doctor', '--env', 'staging')).checks.filter(
      ({ status }) => status === 'fail',
    );
  const vars = join(project, '.dev.vars.staging');
  const own = await readFile(vars, 'utf8');
  const receipt = /^RECEIPT_KEY=.*$/m;
  const [line = ''] = receipt.exec(await readFile(join(project, '.dev.vars'), 'utf8')) ?? [];
  await writeFile(
    vars,
    own.replace(receipt, () => line),
  );
  expect(await checksOf()).toContainEqual(
    expect.objectContaining({
      name: 'RECEIPT_KEY',
      says: expect.stringContaining('FOREIGN_KEYS') as string,
    }),
  );
  expect((await countersign(...staging, '--yes')).code).not.toBe(0);
  await writeFile(vars, own);
  await edit(
    'queue = "shop-staging-countersign-settlement"',
    'queue = "shop-countersign-settlement"',
  );
  expect(await checksOf()).toContainEqual(
    expect.objectContaining({
      name: 'environments',
      says: 'shares shop-countersign-settlement with top level',
    }),
  );
}, 300_000);
