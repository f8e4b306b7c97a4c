import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from '@decimalturn/toml-patch';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { ROOT } from '../../dev/root.ts';
import { withAudience, writeAudience } from '../../src/cli/deploy/audience.ts';
import { probeOf } from '../../src/cli/deploy/live.ts';
import { readProject, writeDatabaseId } from '../../src/cli/deploy/project.ts';
import { withTraces } from '../../src/cli/deploy/traces.ts';
import { readTable } from '../../src/cli/deploy/queues.ts';
import { reasonIn } from '../../src/cli/deploy/wrangler.ts';
import { inputOf } from '../../src/cli/lib/input.ts';
import { withoutQuestions } from '../../src/cli/lib/prompts.ts';

const { signal } = new AbortController();
let directory = '';
let before = '';

const read = async (name: string): Promise<string> => await readFile(join(directory, name), 'utf8');

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'countersign files '));
  const toml = await readFile(join(ROOT, 'wrangler.toml'), 'utf8');
  before = toml.replace('AUDIENCES = ""', 'AUDIENCES = "http://localhost:8787"');
  await writeFile(join(directory, 'wrangler.toml'), before);
  await writeFile(join(directory, '.dev.vars'), "LOCAL_STACK='true'\nRECEIPT_KEY='{}'");
});

afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

const STAGING = `[env.staging]
queues = { producers = [], consumers = [] }

[[env.staging.d1_databases]]
binding = "AUDIT_DB"
database_name = "shop-staging"
`;

describe('the files of a deployment', () => {
  it('get the id of the database, and every other line stays', async () => {
    const id = '3a2d7a0c-81c5-4b54-925f-b84858693327';
    await writeDatabaseId(await readProject(directory), id, signal);
    const after = await read('wrangler.toml');
    expect(after.replace(`database_id = "${id}"\n`, '')).toBe(before);
    expect((await readProject(directory)).database.id).toBe(id);
  });

  it('get the audience of --audience once, and wrangler dev keeps the one on this machine', async () => {
    const audience = 'https://shop.example.com';
    const write = async () => {
      const session = { prompts: withoutQuestions };
      const project = await readProject(directory);
      return await writeAudience(
        await withAudience(session, inputOf([], { audience }), project),
        signal,
      );
    };
    expect([await write(), await write()]).toEqual([true, false]);
    expect(await read('wrangler.toml')).toBe(before.replace('http://localhost:8787', audience));
    expect(await read('.dev.vars')).toBe(
      "LOCAL_STACK='true'\nRECEIPT_KEY='{}'\nAUDIENCES='http://localhost:8787'\n",
    );
    expect((await stat(join(directory, '.dev.vars'))).mode & 0o777).toBe(0o600);
  });

  it('refuse an audience that a deployed gateway cannot have', async () => {
    const project = await readProject(directory);
    for (const audience of ['http://shop.example.com', 'https://127.0.0.1', 'https://a.example/x'])
      await expect(
        withAudience({ prompts: withoutQuestions }, inputOf([], { audience }), project),
      ).rejects.toThrow('--audience');
  });

  it('get the destinations and the sampling of traces, and every other line stays', async () => {
    const project = await readProject(directory);
    const tables = (options: Readonly<Record<string, string>>): readonly unknown[] => {
      const { toml } = withTraces(inputOf([], options), project).files;
      const { observability, ...others } = parse(toml) as { observability: { traces: object } };
      const { traces, ...own } = observability;
      const { observability: kept, ...known } = parse(before) as { observability: object };
      expect(others).toEqual(known);
      expect({ ...own, traces: { enabled: false } }).toEqual(kept);
      return [traces];
    };
    expect(tables({})).toEqual([{ enabled: false }]);
    const destinations = ['honeycomb', 'own-collector'];
    const sent = { enabled: true, persist: false, destinations };
    const traces = 'honeycomb, own-collector';
    expect(tables({ traces })).toEqual([{ ...sent, head_sampling_rate: 0.01 }]);
    expect(tables({ traces, traceSampling: '0.2' })).toEqual([
      { ...sent, head_sampling_rate: 0.2 },
    ]);
    expect(tables({ traces: 'off' })).toEqual([{ enabled: false }]);
  });

  it('get the traces of one environment, and no other environment does', async () => {
    await writeFile(join(directory, 'wrangler.toml'), `${before}\n${STAGING}`);
    const project = await readProject(directory, 'staging');
    const { toml } = withTraces(inputOf([], { traces: 'a' }), project).files;
    const { env, ...others } = parse(toml) as { env: { staging: { observability: object } } };
    const { observability, ...known } = parse(before) as { observability: object };
    expect(others).toEqual({ ...known, observability });
    const traces = { enabled: true, persist: false, head_sampling_rate: 0.01, destinations: ['a'] };
    expect(env.staging.observability).toEqual({ ...observability, traces });
  });

  it.each([
    [{ traces: 'https://collector.example' }, 'no name of a destination'],
    [{ traces: 'a,a' }, 'named twice'],
    [{ traces: 'a', traceSampling: '0' }, 'no rate'],
    [{ traces: 'a', traceSampling: '1.5' }, 'no rate'],
    [{ traceSampling: '0.1' }, 'needs --traces'],
  ])('refuse the traces of %j', async (options, says) => {
    const project = await readProject(directory);
    expect(() => withTraces(inputOf([], options), project)).toThrow(says);
  });

  it('give the deployed Worker no variable of .dev.vars, only its secrets', async () => {
    expect((await readProject(directory)).files.secrets).toEqual({ RECEIPT_KEY: '{}' });
  });
});

test('a table of wrangler is read by its titles', () => {
  const table = [
    'banner',
    '┌──────┬───────┬───────────┐',
    '│ id   │ name  │ consumers │',
    '├──────┼───────┼───────────┤',
    '│ a1   │ mails │ 1         │',
    '└──────┴───────┴───────────┘',
  ].join('\n');
  expect(readTable(table)).toEqual([{ id: 'a1', name: 'mails', consumers: '1' }]);
  expect(readTable('no queues')).toEqual([]);
});

test('the reason of a failure is the last error of wrangler, without its decoration', () => {
  const stderr =
    '✘ [ERROR] a stack\n\n✘ [ERROR] A request failed.\n\n  Too many queues [code: 1]\n  \n  If you think this is a bug, please open an issue\n\n🪵  Logs were written to "x"\n';
  expect(reasonIn({ stdout: '', stderr })).toBe('A request failed. Too many queues [code: 1]');
});

test('the test call goes to the cheapest paid tool with one path, a GET if there is one', () => {
  const tool = { disabled: false, path: '/a', method: 'GET', price: 2n };
  const probe = (...tools: readonly object[]) =>
    probeOf({ audiences: ['https://s.example'], tools: tools as never }, undefined)?.url;
  expect(probe({ ...tool, method: 'POST', price: 1n }, tool)).toBe('https://s.example/a');
  expect(probe(tool, { ...tool, path: '/b', price: 1n })).toBe('https://s.example/b');
  expect(
    probe({ ...tool, path: '/x/*' }, { ...tool, price: 0n }, { ...tool, disabled: true }),
  ).toBe(undefined);
  const tools = [
    tool,
    { ...tool, path: '/b', method: 'POST' },
    { ...tool, path: '/d', method: 'POST' },
    { ...tool, path: '/d', method: 'DELETE' },
  ] as never;
  const named = (path: string) => probeOf({ audiences: ['https://s.example'], tools }, path);
  expect(named('/a?x=1')).toEqual({ url: 'https://s.example/a?x=1', method: 'GET' });
  expect(named('/b')).toEqual({ url: 'https://s.example/b', method: 'POST' });
  for (const path of ['/c', '/d', 'a', '//evil.example/a'])
    expect(() => named(path), path).toThrow('the path of --try');
});
