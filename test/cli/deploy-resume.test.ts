import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ROOT } from '../../dev/root.ts';
import { execute } from '../../src/cli/deploy/execute.ts';
import { planOf } from '../../src/cli/deploy/plan.ts';
import { readProject } from '../../src/cli/deploy/project.ts';
import type { Wrangler } from '../../src/cli/deploy/wrangler.ts';
import { createOutput, createProgress } from '../../src/cli/lib/output.ts';
import { STORAGE, versionTag } from '../../src/protocol/storage-version.ts';

/** A fake Cloudflare account with the output formats of wrangler 4.156. deploy.test.ts runs the real wrangler. */
const openAccount = () => {
  const names = { d1: new Set<string>(), r2: new Set<string>(), queues: new Set<string>() };
  const secrets = new Set<string>();
  const effects: string[] = [];
  let stopAfter = Number.POSITIVE_INFINITY;
  const table = (rows: readonly string[]): string =>
    ['│ name │ consumers │', ...rows.map((name) => `│ ${name} │ 0 │`)].join('\n');
  const answers: Readonly<Record<string, (last: string, stdin: string) => unknown>> = {
    'd1 list': () => JSON.stringify([...names.d1].map((name) => ({ uuid: ID, name }))),
    'd1 execute': () => '[{"results":[]}]',
    'd1 create': (name) => names.d1.add(name),
    'd1 migrations': () => undefined,
    'r2 bucket list': () => [...names.r2].map((name) => `name:  ${name}`).join('\n'),
    'r2 bucket create': (name) => names.r2.add(name),
    'queues list': () => table([...names.queues]),
    'queues create': (name) => names.queues.add(name),
    'secret list': () => JSON.stringify([...secrets].map((name) => ({ name }))),
    'secret bulk': (_, stdin) =>
      Object.keys(JSON.parse(stdin) as object).map((name) => secrets.add(name)),
    deploy: () => undefined,
  };
  const run: Wrangler['run'] = async (words, { stdin = '', environment } = {}) => {
    const line = words.join(' ');
    const known = Object.keys(answers).find((start) => line.startsWith(start)) ?? '';
    const made = answers[known]?.(words.at(-1) ?? '', stdin);
    const file = environment?.['WRANGLER_OUTPUT_FILE_PATH'];
    if (file !== undefined) await writeFile(file, '{"type":"deploy"}\n');
    if (typeof made !== 'string') {
      effects.push(line);
      // Simulates a crash after the change took effect and before its answer arrived.
      if (effects.length === stopAfter) throw new Error('stopped');
    }
    return { code: 0, stdout: typeof made === 'string' ? made : '', stderr: '' };
  };
  const stopAt = (effect: number): void => {
    stopAfter = effect;
  };
  return { effects, stopAt, wrangler: { run, attempt: run } };
};

const ID = '3a2d7a0c-81c5-4b54-925f-b84858693327';
const { signal } = new AbortController();
const quiet = { isTTY: false, columns: 80, write: () => true, once: () => undefined };
const out = createOutput({ json: true, stdout: quiet, stderr: quiet, env: {} } as never);
const shown = { out, progress: createProgress(quiet as never, true, signal) };
let directory = '';

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'countersign resume '));
  const toml = await readFile(join(ROOT, 'wrangler.toml'), 'utf8');
  await writeFile(join(directory, 'wrangler.toml'), toml);
  await writeFile(join(directory, '.dev.vars'), "RECEIPT_KEY='{}'");
});

afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

const deploy = async (wrangler: Wrangler) => {
  const project = { ...(await readProject(directory)), secretsOf: () => ['RECEIPT_KEY'] };
  const deploying = { project, wrangler, signal };
  return await execute(deploying, await planOf(deploying, { state: 'signed_in' }), shown);
};

/** The changes: one database, one bucket, six queues, the secrets, the migrations and the Worker. */
const EFFECTS = 11;

it.for(Array.from({ length: EFFECTS }, (_, at) => at + 1))(
  'a deployment that stopped after change %i continues and makes nothing twice',
  async (change) => {
    const { effects, stopAt, wrangler } = openAccount();
    stopAt(change);
    await expect(deploy(wrangler)).rejects.toMatchObject({ code: 'deploy_stopped' });
    expect(effects).toHaveLength(change);
    await deploy(wrangler);
    const made = effects.filter((line) => !/^(?:deploy|d1 migrations)/.test(line));
    expect(made).toHaveLength(EFFECTS - 2);
    expect(new Set(made).size).toBe(made.length);
    expect(effects.slice(-2)).toEqual([
      'd1 migrations apply AUDIT_DB --remote',
      `deploy --tag ${versionTag(STORAGE)}`,
    ]);
    expect(await readFile(join(directory, 'wrangler.toml'), 'utf8')).toContain(ID);
  },
);
