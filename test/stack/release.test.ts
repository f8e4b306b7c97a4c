import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { writeWebAssembly } from '../../dev/webassembly.ts';
import { ROOT } from '../../dev/root.ts';

type Step = { readonly uses?: string; readonly run?: string };
type Job = {
  readonly permissions?: Readonly<Record<string, string>>;
  readonly steps: readonly Step[];
};

const workflow = parse(await readFile(join(ROOT, '.github/workflows/release.yml'), 'utf8')) as {
  readonly permissions: Readonly<Record<string, string>>;
  readonly jobs: Readonly<Record<string, Job>>;
};

test('publishes in a job that runs no code of a package', () => {
  expect(workflow.permissions).toEqual({ contents: 'read' });
  const trusted = Object.values(workflow.jobs).filter(
    ({ permissions = {} }) => permissions['id-token'] === 'write',
  );
  expect(trusted).toHaveLength(1);
  for (const { uses = '', run = '' } of trusted.flatMap(({ steps }) => steps)) {
    expect(uses).toMatch(/^$|^actions\/(?:setup-node|download-artifact)@[0-9a-f]{40}$/);
    expect(run).toMatch(
      /^$|^npm publish \S+\.tgz --ignore-scripts |\| sha256sum --check --strict$/,
    );
  }
});

test('uploads what is published before anything is installed without a lock', () => {
  const steps = workflow.jobs['pack']?.steps ?? [];
  const uploaded = steps.findIndex(({ uses = '' }) => uses.startsWith('actions/upload-artifact@'));
  const before = steps.slice(0, uploaded).flatMap(({ run }) => run ?? []);
  expect(before).toEqual([
    'npm ci --no-audit --no-fund',
    'npm run release -- --tag "$GITHUB_REF_NAME" --repository "$GITHUB_REPOSITORY"',
    'npm run build',
    expect.stringContaining('npm pack --ignore-scripts'),
  ]);
  // This step blocks the publication, so it must run in the same job.
  expect(steps.at(-1)?.run).toBe('npm run package');
});

test('pins every action to a commit', () => {
  const uses = Object.values(workflow.jobs).flatMap(({ steps }) => steps.map((step) => step.uses));
  for (const action of uses.filter((each) => each !== undefined))
    expect(action).toMatch(/@[0-9a-f]{40}$/);
});

/**
 * The code that verifies every signature and hashes every message. It comes from ox as text, so a review of this repository does not show
 * its changes. After a release of ox with other bytes, check how they were built before you change the digest here.
 */
test.each([
  ['libsecp256k1.wasm', '43c2577db864818370d5fc57221369aa1ee2b0211264629f7055c6fdeaec2caa'],
  ['keccak.wasm', '94542e317c6d743a8b4451f00ac8a68e0e7dd76375af55d9737c450e1db321ed'],
])('runs the reviewed bytes of %s', async (name, digest) => {
  await writeWebAssembly();
  const bytes = await readFile(join(ROOT, 'src/crypto', name));
  expect(createHash('sha256').update(bytes).digest('hex')).toBe(digest);
});
