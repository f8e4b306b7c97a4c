import { getEventListeners } from 'node:events';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { beforeEach, describe, expect, test } from 'vitest';
import { ROOT } from '../../dev/root.ts';
import { people } from '../../dev/stack/people.ts';
import { createPrompts } from '../../src/cli/lib/prompts.ts';
import { type Home, PASSWORD, useHome, withEnv } from './support/home.ts';
import { openProgram, type Terminal } from './support/terminal.ts';

/** `npm create countersign`, as npm runs it. */
const CREATE = join(ROOT, 'packages/create-countersign/dist/index.js');
const FOLDER = 'my shop';
const NARROW = 60;
const home = useHome();

const DOCUMENT = `openapi: 3.1.0
info: { title: Shop, version: '1' }
servers: [{ url: 'https://api.example/v1' }]
paths:
  /pets/{id}:
    get:
      operationId: getPet
      summary: Reads a pet
      parameters: [{ name: id, in: path, required: true, schema: { type: integer } }]
      responses: { '200': { description: ok } }
  /upload:
    post:
      operationId: upload
      requestBody: { required: true, content: { text/csv: {} } }
      responses: { '200': { description: ok } }
`;

beforeEach(async () => {
  await writeFile(join(home().directory, 'api.yaml'), DOCUMENT);
});

/** Runs the command under a shell, which then prints the exit code and the state of the terminal. */
const create = (words: readonly string[], columns = NARROW, place: Home = home()): Terminal => {
  const script = '"$@"; echo "exit=$?"; stty -a';
  const command = [process.execPath, CREATE, FOLDER, '--skip-checks', ...words];
  return openProgram(place, 'sh', ['-c', script, 'sh', ...command], columns);
};

type Prompt = readonly [shown: string, answer: (terminal: Terminal) => void];

const enter = (terminal: Terminal): void => terminal.press('enter');
const typed =
  (text: string) =>
  (terminal: Terminal): void => {
    terminal.type(text);
    terminal.press('enter');
  };

/** Every prompt for an import from an OpenAPI document, with a wallet's address as payee and a new operator. */
const PROMPTS: readonly Prompt[] = [
  ['Which address receives', enter],
  ['Its address', typed(people.seller)],
  ['What do you sell', (terminal) => terminal.press('down')],
  ['with an OpenAPI document', enter],
  ['File or URL', typed('api.yaml')],
  ['Price of a call', typed('0.02')],
  ['On which network', enter],
  ['JSON-RPC URL', enter],
  ['Origin that agents', enter],
  ['○ Yes / ', (terminal) => terminal.type('y')],
  ['Which wallet manages', enter],
  ['Where must Cloudflare', enter],
  ['New password', typed(PASSWORD)],
  ['Repeat the password', typed(PASSWORD)],
];

const answer = async (terminal: Terminal, prompts: readonly Prompt[]): Promise<void> => {
  for (const [shown, give] of prompts) {
    await terminal.sees(shown);
    give(terminal);
  }
};

const isSane = (terminal: Terminal): void => {
  expect(terminal.shown()).toMatch(/(?<!-)\bicanon\b/);
  expect(terminal.shown()).toMatch(/(?<!-)\becho\b/);
  const raw = terminal.raw();
  expect(raw.lastIndexOf('\u001B[?25h')).toBeGreaterThanOrEqual(raw.lastIndexOf('\u001B[?25l'));
};

describe('npm create countersign at a terminal', () => {
  test('asks for everything and sells an OpenAPI document', async () => {
    const terminal = create([]);
    await answer(terminal, PROMPTS);
    await terminal.sees('npm run dev');
    await terminal.sees('exit=0');
    await terminal.ended();
    isSane(terminal);
    const project = join(home().directory, FOLDER);
    const { tools } = JSON.parse(await readFile(join(project, 'tools.json'), 'utf8')) as {
      readonly tools: readonly object[];
    };
    expect(tools).toMatchObject([
      { id: 'get_pet', price: '$0.02', upstream: '/v1/pets/{id}', settlement: 'deferred' },
    ]);
    const toml = await readFile(join(project, 'wrangler.toml'), 'utf8');
    expect(toml).toContain('UPSTREAM_URL = "https://api.example"');
    expect(toml).toContain(people.seller);
    expect(await readdir(join(home().home, 'keys'))).toEqual(['gateway.json']);
    expect(terminal.shown()).not.toContain('Warning');
    expect(terminal.shown()).toContain('skip POST /upload');
    // The lines of the report, without the prompts.
    const report = terminal.shown().split('exit=0')[0]?.split('skip').at(-1) ?? '';
    const broken = report.split('\n').filter((line) => [...line].length > NARROW);
    expect(broken.filter((line) => line.trim().includes(' '))).toEqual([]);
  });

  test('makes receiving address and operator for a person without a wallet, with one password', async () => {
    const terminal = create(['--upstream', 'http://localhost:3000/weather']);
    await answer(terminal, [
      ['Which address receives', (each) => each.press('down')],
      ['a new one', enter],
      ['Name of the tool', enter],
      ['Price of a call', enter],
      ...PROMPTS.slice(6).filter(([shown]) => !/^(?:○|Where must)/.test(shown)),
    ]);
    await terminal.sees('UPSTREAM_URL');
    await terminal.sees('exit=0');
    await terminal.ended();
    expect(await readdir(join(home().home, 'keys'))).toEqual([
      'gateway.json',
      'my-shop-payee.json',
    ]);
  });

  test('takes an API on this machine, and asks for the name and the price of its tool', async () => {
    const terminal = create(['--pay-to', people.seller, '--new-operator', 'boss']);
    await answer(terminal, [
      ['What do you sell', enter],
      ['URL of the API', typed('http://localhost:3000/v1/Weather')],
      ['Name of the tool', typed('forecast')],
      ['Price of a call', typed('0.0005')],
      ...PROMPTS.slice(6).filter(([shown]) => !/^(?:Which wallet|Where must)/.test(shown)),
    ]);
    await terminal.sees('exit=0');
    await terminal.ended();
    const project = join(home().directory, FOLDER);
    expect(JSON.parse(await readFile(join(project, 'tools.json'), 'utf8'))).toMatchObject({
      tools: [
        { id: 'forecast', path: '/tools/forecast', price: '$0.0005', upstream: '/v1/Weather' },
      ],
    });
    expect(await readFile(join(project, '.dev.vars'), 'utf8')).toContain("LOCAL_STACK='true'");
    expect(terminal.shown()).toContain('a call for $0.0005 earns about what its settlement');
  });

  test.each(PROMPTS.map(([shown], at) => [shown, at] as const))(
    'writes nothing after Ctrl-C at "%s"',
    async (shown, at) => {
      const terminal = create([]);
      await answer(terminal, PROMPTS.slice(0, at));
      await terminal.sees(shown);
      terminal.press('ctrl-c');
      await terminal.sees('exit=130');
      await terminal.ended();
      isSane(terminal);
      expect(await readdir(home().directory)).toEqual(['api.yaml']);
    },
  );

  test('shows what a project of an earlier release lacks, and changes only that', async () => {
    const words = ['--yes', '--pay-to', people.seller, '--upstream', 'https://api.example/weather'];
    const first = create(words);
    await first.sees('exit=0');
    await first.ended();
    const project = join(home().directory, FOLDER);
    const manifest = `{\n\t"name": "mine",\n\t"scripts": { "dev": "my own", "start": "wrangler dev" },\n\t"dependencies": { "countersign": "^0.0.1" },\n\t"devDependencies": { "wrangler": "^4.100.0" }\n}\n`;
    await writeFile(join(project, 'package.json'), manifest);
    await writeFile(join(project, '.gitignore'), 'node_modules\n.wrangler\n/.dev.vars');
    const names = ['wrangler.toml', 'tools.json', '.dev.vars', 'src/index.ts', 'README.md'];
    const times = async () =>
      await Promise.all(names.map(async (name) => (await stat(join(project, name))).mtimeMs));
    const before = await times();

    const refused = create([], 100);
    await refused.sees('dependencies.countersign');
    await refused.sees('Apply');
    refused.press('ctrl-c');
    await refused.sees('exit=130');
    await refused.ended();
    expect(await readFile(join(project, 'package.json'), 'utf8')).toBe(manifest);

    const upgraded = create(['--yes'], 100);
    await upgraded.sees('unchanged wrangler.toml, tools.json');
    await upgraded.sees('exit=0');
    await upgraded.ended();
    expect(await times()).toEqual(before);
    const text = await readFile(join(project, 'package.json'), 'utf8');
    expect(text).toMatch(/^\{\n\t"name": "mine",\n\t"scripts"/);
    expect(JSON.parse(text)).toMatchObject({
      scripts: { dev: 'my own', start: 'wrangler dev' },
      devDependencies: { wrangler: '^4.100.0', '@foundry-rs/anvil': '1.7.1' },
    });
    expect(await readFile(join(project, '.gitignore'), 'utf8')).toBe(
      'node_modules\n.wrangler\n/.dev.vars\n.dev\n.dev.vars.*\n',
    );
    const again = create(['--yes'], 100);
    await again.sees('unchanged wrangler.toml, tools.json, .dev.vars, .dev.vars.staging');
    await again.ended();
    expect(await times()).toEqual(before);
  });

  test('prints no colour and no cursor movement with NO_COLOR and --yes', async () => {
    await mkdir(join(home().directory, 'elsewhere'));
    const place = withEnv(home(), { NO_COLOR: '1' });
    const words = ['--yes', '--pay-to', people.seller, '--upstream', 'https://api.example/weather'];
    const terminal = create(words, NARROW, place);
    await terminal.sees('exit=0');
    await terminal.ended();
    expect(terminal.raw().split('exit=')[0]).not.toContain('\u001B');
  });
});

test('leaves no listener of a prompt at the signal of the command', async () => {
  const terminal = { isTTY: true, columns: 80, setRawMode: () => undefined };
  const stdin = Object.assign(new PassThrough(), terminal) as unknown as NodeJS.ReadStream;
  const stderr = Object.assign(new PassThrough(), terminal) as unknown as NodeJS.WriteStream;
  const { signal } = new AbortController();
  const progress = {
    during: async <T>(_: unknown, work: () => Promise<T>) => await work(),
    hidden: async <T>(work: () => Promise<T>) => await work(),
    clear: () => undefined,
  };
  const prompts = createPrompts({ stdin, stderr, signal, progress });
  for (const message of ['One?', 'Two?']) {
    const answer = prompts.confirm({ message, instead: '--yes' });
    await expect.poll(() => stdin.listenerCount('keypress')).toBeGreaterThan(0);
    (stdin as unknown as PassThrough).write('y');
    expect(await answer).toBe(true);
  }
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});
