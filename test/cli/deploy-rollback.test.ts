import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ROOT } from '../../dev/root.ts';
import { uploadVersion } from '../../src/cli/deploy/execute.ts';
import { besideWhom, rollbackOf, shiftRequests } from '../../src/cli/deploy/rollout.ts';
import { openWrangler, type Wrangler } from '../../src/cli/deploy/wrangler.ts';
import { STORAGE, versionTag } from '../../src/protocol/storage-version.ts';
import { documentIn, pipe, type Ran } from './support/command.ts';
import {
  FAKE_ACCOUNT,
  type FakeCloudflare,
  openFakeCloudflare,
} from './support/fake-cloudflare.ts';

let directory = '';
let cloudflare: FakeCloudflare;
const { signal } = new AbortController();

/** An empty Worker: only its versions matter here. */
const TOML = `name = "shop"
main = "index.js"
compatibility_date = "2026-11-01"
`;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'countersign-rollback-'));
  await writeFile(join(directory, 'wrangler.toml'), TOML);
  await writeFile(join(directory, 'package.json'), '{}');
  await writeFile(
    join(directory, 'index.js'),
    "export default { fetch: () => new Response('') };\n",
  );
  await symlink(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
  cloudflare = await openFakeCloudflare();
});

afterEach(async () => {
  await cloudflare.close();
  await rm(directory, { recursive: true, force: true });
});

const environment = (): Readonly<Record<string, string>> => ({
  PATH: process.env['PATH'] ?? '',
  HOME: directory,
  WRANGLER_SEND_METRICS: 'false',
  WRANGLER_HIDE_BANNER: 'true',
  CLOUDFLARE_API_BASE_URL: cloudflare.url,
  CLOUDFLARE_API_TOKEN: 'token',
  CLOUDFLARE_ACCOUNT_ID: FAKE_ACCOUNT,
});

const wrangler = () =>
  openWrangler(directory, environment() as unknown as NodeJS.ProcessEnv, signal);

const script = () => {
  const found = cloudflare.workers.get('shop');
  if (found === undefined) throw new Error('there is no Worker');
  return found;
};

const current = () =>
  script()
    .deployments.at(-1)
    ?.map(({ version_id: id, percentage }) => [script().versions.indexOf(id), percentage]);

const command = async (...words: readonly string[]): Promise<Ran> =>
  await pipe({ env: environment(), directory }, ['deploy', ...words, '--yes', '--json']);

it('deploys gradually and rolls back with the real wrangler', async () => {
  const repository = await readFile(join(ROOT, 'wrangler.toml'), 'utf8');
  const strategy = /^\[durable_objects\]\ncode_update_strategy = .*$/m.exec(repository)?.[0];
  await writeFile(join(directory, 'wrangler.toml'), `${TOML}\n${strategy}\n`);
  const { run } = wrangler();
  await run(['deploy', '--tag', versionTag(STORAGE)]);
  expect(current()).toEqual([[0, 100]]);

  const project = { isCheckout: false } as Parameters<typeof uploadVersion>[0]['project'];
  const { version = '' } = await uploadVersion({ wrangler: wrangler(), signal, project });
  expect(current()).toEqual([[0, 100]]);
  expect(script().tags.get(version)).toBe(versionTag(STORAGE));
  const [older = ''] = script().versions;
  script().deployments.push([
    { version_id: version, percentage: 10 },
    { version_id: older, percentage: 90 },
  ]);

  const halved = await command('--gradual', '50');
  expect(documentIn(halved), halved.stderr).toMatchObject({ to: version, percentage: 50 });
  expect(current()).toEqual([
    [1, 50],
    [0, 50],
  ]);
  expect(script().versions).toHaveLength(2);

  const dry = await command('--rollback', '--dry-run');
  expect(documentIn(dry), dry.stderr).toMatchObject({ dry_run: true, to: older, percentage: 100 });
  expect(script().deployments).toHaveLength(3);
  const back = await command('--rollback');
  expect(documentIn(back), back.stderr).toMatchObject({ ok: true, to: older, from: version });
  expect(current()).toEqual([[0, 100]]);
});

/** A wrangler whose Worker had these deployments, the newest last, of versions with these tags. It records what it deploys. */
const openVersions = (
  tags: Readonly<Record<string, string>>,
  ...deployments: readonly Readonly<Record<string, number>>[]
): { readonly wrangler: Wrangler; readonly deployed: (readonly string[])[] } => {
  const deployed: (readonly string[])[] = [];
  const stamp = (at: number): string => `2026-11-01T00:00:0${at}.000000Z`;
  const answer = (words: readonly string[]): unknown => {
    if (words[0] === 'deployments')
      return deployments.map((shares, at) => ({
        created_on: stamp(at),
        versions: Object.entries(shares).map(([version_id, percentage]) => ({
          version_id,
          percentage,
        })),
      }));
    const [, action, id = ''] = words;
    if (action === 'deploy') deployed.push(words.slice(2, words.indexOf('--message')));
    const created_on = stamp(Object.keys(tags).indexOf(id));
    return { id, metadata: { created_on }, annotations: { 'workers/tag': tags[id] } };
  };
  const run: Wrangler['run'] = (words) =>
    Promise.resolve({ code: 0, stdout: JSON.stringify(answer(words)), stderr: '' });
  return { wrangler: { run, attempt: run }, deployed };
};

const SAME = 'storage-r1-w1';

describe('a roll-back', () => {
  it('returns to the version that had all requests before', async () => {
    const { wrangler: opened, deployed } = openVersions(
      { a: SAME, b: SAME, c: SAME },
      ...[{ a: 100 }, { b: 100 }, { c: 10, b: 90 }, { c: 100 }],
    );
    const shift = await rollbackOf(opened);
    expect(shift).toMatchObject({ to: { id: 'b' }, from: { id: 'c' }, percentage: 100 });
    await shiftRequests(opened, shift, 'test');
    expect(deployed).toEqual([['b@100%']]);
  });

  it('ends a gradual deployment in favour of its older version', async () => {
    const { wrangler: opened } = openVersions({ a: SAME, b: SAME }, { a: 100 }, { b: 60, a: 40 });
    expect(await rollbackOf(opened)).toMatchObject({ to: { id: 'a' }, from: { id: 'b' } });
  });

  it('returns to a version that reads the newer form and writes the older one', async () => {
    const { wrangler: opened } = openVersions(
      { a: 'storage-r2-w1', b: 'storage-r2-w2' },
      ...[{ a: 100 }, { b: 100 }],
    );
    expect(await rollbackOf(opened)).toMatchObject({ to: { id: 'a' } });
  });

  it.for([
    ['cannot read what the newer one writes', 'storage-r1-w1', 'storage-r2-w2', 'storage_version'],
    ['the command did not upload', 'v1', SAME, 'storage_unknown'],
  ] as const)('refuses a version that %s', async ([, before, after, code]) => {
    const { wrangler: opened } = openVersions({ a: before, b: after }, { a: 100 }, { b: 100 });
    await expect(rollbackOf(opened)).rejects.toMatchObject({ code });
  });

  it('states that there is no version before, and no deployment', async () => {
    await expect(rollbackOf(openVersions({ a: SAME }, { a: 100 }).wrangler)).rejects.toMatchObject({
      code: 'nothing_before',
    });
    await expect(rollbackOf(openVersions({}).wrangler)).rejects.toMatchObject({
      code: 'no_deployment',
    });
  });
});

describe('a gradual deployment', () => {
  it('needs a version that reads what this code writes, and writes what it reads', async () => {
    const present = versionTag(STORAGE);
    const { writes, reads } = STORAGE;
    const newer = versionTag({ reads: reads + 1, writes: reads + 1 });
    const older = versionTag({ reads: writes - 1, writes: writes - 1 });
    expect(await besideWhom(openVersions({ a: present }, { a: 100 }).wrangler)).toMatchObject({
      id: 'a',
    });
    for (const tag of [newer, older]) {
      await expect(besideWhom(openVersions({ a: tag }, { a: 100 }).wrangler)).rejects.toMatchObject(
        { code: 'storage_version' },
      );
    }
  });

  it('keeps the rest of the requests on the version before', async () => {
    const { wrangler: opened, deployed } = openVersions({ a: SAME }, { a: 100 });
    const from = await besideWhom(opened);
    await shiftRequests(opened, { to: { ...from, id: 'b' }, from, percentage: 10 }, 'test');
    expect(deployed).toEqual([['b@10%', 'a@90%']]);
  });
});
