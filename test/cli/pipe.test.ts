import { createServer } from 'node:http';
import { expect, test } from 'vitest';
import { commands } from '../../src/cli/commands.ts';
import { type CommandSpec, loadCommands } from '../../src/cli/lib/command.ts';
import { documentIn, pipe } from './support/command.ts';
import { PASSWORD, useHome, withEnv } from './support/home.ts';
import { putKey, SOME_KEY } from './support/keys.ts';

const home = useHome();
const known = () => withEnv(home(), { COUNTERSIGN_PASSWORD: PASSWORD });

/** The words of every command that has no subcommands. */
const leaves = (
  specs: readonly CommandSpec[],
  path: readonly string[] = [],
): readonly (readonly string[])[] =>
  specs.flatMap((spec) => {
    const here = [...path, spec.name];
    return [...(spec.run === undefined ? [] : [here]), ...leaves(spec.commands ?? [], here)];
  });

const all = leaves(await loadCommands(commands, 'all')).map((words) => words.join(' '));

/** One command of each depth. `help.test.ts` reads the help of every command in one process. */
const samples = [...new Map(all.map((name) => [name.split(' ').length, name])).values()];

test.each(samples)('prints help for %s', async (name) => {
  const { code, stdout, stderr } = await pipe(home(), [...name.split(' '), '--help']);
  expect(code).toBe(0);
  expect(stdout).toContain(`Usage: countersign ${name}`);
  expect(stdout).toContain('--json');
  expect(stderr).toBe('');
});

/** Without a gateway, key, argument or network, a command must fail instead of hanging. */
test.each(all)('%s --json ends in an empty pipe with one document on stdout', async (name) => {
  const ran = await pipe(home(), [...name.split(' '), '--json']);
  const document = name.startsWith('completion') && ran.code === 0 ? {} : documentIn(ran);
  if (ran.code === 0) return;
  const { error } = document as {
    error: { code: string; message: string; hint: string; exit: number };
  };
  expect(error.exit).toBe(ran.code);
  expect(error.message).not.toBe('');
  expect(error.hint).not.toBe('');
  expect(error.code).not.toBe('internal');
  expect(ran.stderr).toContain('next');
});

test.each([
  [['--unknown'], 2],
  [['unknown'], 2],
  [['keys', 'unknown'], 2],
  [['keys', 'new'], 2],
  [['keys', 'new', 'a', 'b'], 2],
  [['keys', 'list', '--unknown'], 2],
  [['completion', 'tcsh'], 2],
  [['call', 'no url'], 2],
  [['call', 'http://127.0.0.1:1/', '-X', 'P OST'], 2],
  [['call', 'http://127.0.0.1:1/', '-X', 'GET', '-d', 'x'], 2],
  [['call', 'http://127.0.0.1:1/', '-d', '@/nowhere'], 2],
  [['call', 'http://127.0.0.1:1/', '-H', 'no header'], 2],
  [['call', 'http://127.0.0.1:1/', '--timeout', '0'], 2],
  [['call', 'http://127.0.0.1:1/', '--as', 'treasury', '--max', '1 dollar'], 2],
  [['call', 'http://127.0.0.1:1/', '--as', 'treasury', '--grant', '0x12'], 2],
  [['call', 'http://127.0.0.1:1/', '--as', 'stranger'], 4],
  [['call', 'http://127.0.0.1:1/', '--as', 'treasury'], 3],
  [['call', 'http://nowhere.invalid/', '--as', 'treasury'], 3],
  [['keys', 'export', 'stranger'], 4],
  [['doctor', '--gateway', 'http://127.0.0.1:1'], 1],
  [['doctor'], 2],
])('ends %j with %i and prints the next step', async (words, exit) => {
  await putKey(home(), 'treasury', SOME_KEY);
  const { code, stdout, stderr } = await pipe(known(), words);
  expect(code).toBe(exit);
  expect(stdout + stderr).toMatch(/^next {3}|→/m);
  expect(stderr).not.toMatch(/^\s+at .*:\d+/m);
  expect(documentIn(await pipe(known(), [...words, '--json']))).toBeTypeOf('object');
});

test('prints a stack trace with COUNTERSIGN_DEBUG only', async () => {
  const words = ['call', 'http://127.0.0.1:1/', '--as', 'stranger'];
  const { stderr } = await pipe(withEnv(home(), { COUNTERSIGN_DEBUG: '1' }), words);
  expect(stderr).toMatch(/^\s+at .*:\d+/m);
});

test('prints the version of the package', async () => {
  const { stdout } = await pipe(home(), ['--version']);
  expect(stdout).toMatch(/^[0-9]+\.[0-9]+\.[0-9]+\n$/);
});

test('ends with 130 and a document on a signal while a server does not answer', async () => {
  await putKey(home(), 'treasury', SOME_KEY);
  const requested = Promise.withResolvers<void>();
  const server = createServer(() => requested.resolve());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = server.address() as { port: number };
    const words = ['call', `http://127.0.0.1:${port}/`, '--as', 'treasury', '--json'];
    const stop = requested.promise.then(() => 'SIGINT' as const);
    const ran = await pipe(known(), words, '', { stop });
    expect(ran.code).toBe(130);
    expect(documentIn(ran)['error']).toMatchObject({ code: 'cancelled', exit: 130 });
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
