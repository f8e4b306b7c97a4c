import { execFile, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { freePort } from '../../dev/stack/loopback.ts';
import { people } from '../../dev/stack/people.ts';
import { runningProcesses } from '../../dev/stack/process.ts';
import { installInto, type Packed, packPackages } from './support/packed.ts';
import { openProgram } from './support/terminal.ts';

/** A new user's machine: an empty folder with a space in its name, the packed packages, and an HTTP API to sell. */
const run = promisify(execFile);
const mark = randomUUID();
let folder = '';
let project = '';
let packed: Packed;
let api: Server;
const requests: string[] = [];
/** The API key of each request to the upstream. */
const keys: unknown[] = [];
const KEY = 'key-of-the-weather-0123';

const environment = () => {
  const env: Readonly<Record<string, string>> = {
    PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
    HOME: folder,
    COUNTERSIGN_HOME: join(folder, 'home'),
    COUNTERSIGN_TEST_RUN: mark,
    TERM: 'xterm-256color',
    npm_config_update_notifier: 'false',
  };
  // This repository's types declare the Worker's variables in `ProcessEnv`, so cast.
  return env as Readonly<Record<string, string>> & NodeJS.ProcessEnv;
};

/** How long the command itself waits for its gateway on a slow machine. */
const START = { timeout: 150_000, interval: 50 };

/** The process that kills leftover processes ends a moment after the command. */
const GONE = { timeout: 30_000, interval: 50 };

const apiUrl = (): string => `http://127.0.0.1:${(api.address() as AddressInfo).port}`;

/** Every process that this file started, including orphans. */
const ownProcesses = () =>
  (runningProcesses() ?? []).filter(({ id }) => {
    try {
      return readFileSync(`/proc/${id}/environ`, 'utf8').includes(mark);
    } catch {
      return false;
    }
  });
const remaining = (): readonly string[] => ownProcesses().map(({ command }) => command);

/** The project's valid tools.json, which tests overwrite with faulty ones. */
let tools = '';
const toolsFile = (): string => join(project, 'tools.json');
const configuration = async (): Promise<readonly string[]> =>
  await Promise.all(
    ['wrangler.toml', '.dev.vars'].map(async (name) => await readFile(join(project, name), 'utf8')),
  );

/** The price in the 402 of the first tool, in atomic units. */
const offered = async (gateway: string): Promise<string | undefined> => {
  const response = await fetch(`${gateway}/tools/weather`).catch(() => undefined);
  const header = response?.headers.get('payment-required') ?? undefined;
  if (header === undefined) return undefined;
  const offer = JSON.parse(Buffer.from(header, 'base64').toString()) as {
    readonly accepts: readonly { readonly amount: string }[];
  };
  return offer.accepts[0]?.amount;
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'countersign first hour '));
  project = join(folder, 'my shop');
  packed = await packPackages(folder);
  api = createServer(({ url, headers }, response) => {
    requests.push(url ?? '');
    keys.push(headers['x-api-key']);
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ sold: url }));
  }).listen(0, '127.0.0.1');
  await once(api, 'listening');
});

afterAll(async () => {
  api.close();
  // A failed test leaves its stack running, which writes into the folder until it stops.
  await vi.waitUntil(() => {
    const left = ownProcesses();
    if (left.length > 0) execFile('kill', ['-KILL', ...left.map(({ id }) => String(id))]);
    return left.length === 0;
  }, GONE);
  await rm(folder, { recursive: true, force: true, maxRetries: 10 });
});

describe('the first hour', () => {
  it('goes from an empty folder to a paid call through an API of one’s own in three steps', async () => {
    const words = ['my shop', '--yes', '--skip-checks', '--pay-to', people.seller];
    await run(process.execPath, [packed.create, ...words, '--upstream', `${apiUrl()}/weather`], {
      cwd: folder,
      env: environment(),
    });
    await installInto(project, packed);
    tools = await readFile(toolsFile(), 'utf8');
    const before = await configuration();
    const port = String(await freePort());
    const place = { directory: project, env: environment() };
    const terminal = openProgram(place, 'npm', ['run', 'dev', '--', '--port', port], 60);
    // wrangler may take longer to start than `terminal.sees` waits.
    await expect.poll(terminal.shown, START).toContain('pay for a test call');
    terminal.type('p');
    await terminal.sees('receipt verified with');
    await terminal.sees('paid $0.01');
    expect(requests).toEqual(['/', '/weather']);

    const command = join(project, 'node_modules/.bin/countersign');
    const { stdout } = await run(command, ['call', '/tools/weather'], {
      cwd: project,
      env: environment(),
    });
    expect(stdout).toBe('{"sold":"/weather"}');

    const gateway = `http://localhost:${port}`;
    // After a crash of the Workers runtime the stack keeps running and still reads later changes.
    const runtime = ownProcesses().find((each) => /\/workerd /.test(each.command));
    process.kill(runtime?.id ?? 0, 'SIGSEGV');
    const spoken = () => terminal.shown().replaceAll(/\s+/g, ' ');
    await expect.poll(spoken, START).toContain('runs again with its state');
    await writeFile(toolsFile(), tools.replace('"$0.01"', '"a dollar"'));
    await terminal.sees('tools[0].price');
    await terminal.sees('last valid file');
    await expect.poll(async () => await offered(gateway), START).toBe('10000');
    await writeFile(toolsFile(), tools.replace('"$0.01"', '"$0.02"'));
    await expect.poll(async () => await offered(gateway), START).toBe('20000');
    await terminal.sees('1 tool on sale');

    tools = tools.replace(
      '"settlement"',
      '"secrets": [{ "in": "header", "name": "x-api-key", "secret": "weather" }],\n      "settlement"',
    );
    await writeFile(toolsFile(), tools);
    await terminal.sees('the secret weather is missing');
    const put = run(command, ['secret', 'put', 'weather'], {
      cwd: project,
      env: environment(),
    });
    put.child.stdin?.end(`${KEY}\n`);
    expect((await put).stdout).toContain(`weather stored for ${new URL(apiUrl()).host}`);
    await terminal.sees('1 of 1 tool on sale now');

    expect(await configuration()).toEqual(before);
    terminal.press('ctrl-c');
    expect(await terminal.ended()).toBe(0);
    await expect.poll(remaining, GONE).toEqual([]);
    expect(existsSync(join(project, '.dev/stack.json'))).toBe(false);
  }, 300_000);

  it('runs without a terminal, says that the upstream does not answer, and leaves nothing when it is killed', async () => {
    await writeFile(toolsFile(), tools);
    const start = async (...words: readonly string[]) => {
      const port = String(await freePort());
      const child = spawn(
        process.execPath,
        [
          join(project, 'node_modules/countersign/dist/cli/index.js'),
          'dev',
          '--port',
          port,
          ...words,
        ],
        { cwd: project, env: environment(), stdio: ['ignore', 'pipe', 'pipe'] },
      );
      const text = { stdout: '', stderr: '' };
      child.stdout.on('data', (chunk: Buffer) => (text.stdout += chunk.toString()));
      child.stderr.on('data', (chunk: Buffer) => (text.stderr += chunk.toString()));
      return { child, text, port, exited: once(child, 'exit') };
    };
    const first = await start('--upstream', 'http://127.0.0.1:1');
    await expect.poll(() => first.text.stderr, START).toContain('Start your API');
    expect(first.text.stdout).toContain('Ctrl-C stops everything.');
    expect(first.text.stdout).toContain('0 of 1 tool on sale');
    expect(first.text.stderr.replace(/\s+/g, ' ')).toContain(
      `the secret weather is bound to ${new URL(apiUrl()).host}, and its tools call 127.0.0.1:1`,
    );
    expect(first.text.stdout + first.text.stderr).not.toContain('\u001B');
    first.child.kill('SIGINT');
    expect(await first.exited).toEqual([0, null]);
    await expect.poll(remaining, GONE).toEqual([]);

    const second = await start('--json');
    await expect.poll(() => second.text.stdout, START).toContain('\n');
    expect(JSON.parse(second.text.stdout)).toMatchObject({
      gateway: `http://localhost:${second.port}`,
      upstream: apiUrl(),
    });
    // The database is new, but the stack has stored the secret in it again.
    const command = join(project, 'node_modules/.bin/countersign');
    await run(command, ['call', '/tools/weather'], { cwd: project, env: environment() });
    expect(keys.at(-1)).toBe(KEY);
    second.child.kill('SIGKILL');
    await expect.poll(remaining, GONE).toEqual([]);
  });

  it('refuses to start without its packages or with faulty tools, and names what mends it', async () => {
    const dev = async (directory: string) =>
      await run(
        process.execPath,
        [join(directory, 'node_modules/countersign/dist/cli/index.js'), 'dev'],
        { cwd: directory, env: environment() },
      ).then(
        () => '',
        ({ stderr }: { readonly stderr: string }) => stderr.replace(/\s+/g, ' '),
      );
    const bare = join(folder, 'bare');
    const words = ['bare', '--yes', '--skip-checks', '--pay-to', people.seller];
    await run(process.execPath, [packed.create, ...words, '--upstream', apiUrl()], {
      cwd: folder,
      env: environment(),
    });
    await installInto(bare, packed, ['@x402/core', '@x402/evm']);
    expect(await dev(bare)).toMatch(
      /npm install --save-dev --save-exact @x402\/core@\d+\.\d+\.\d+ @x402\/evm@\d/,
    );
    await writeFile(toolsFile(), tools.replace('"deferred"', '"later"'));
    expect(await dev(project)).toContain('tools.json is not valid: tools[0].settlement must be');
    await writeFile(toolsFile(), `${tools}}`);
    expect(await dev(project)).toContain('look at line');
    await writeFile(toolsFile(), tools);
  });
});
