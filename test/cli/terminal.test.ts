import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { COMMAND, pipe } from './support/command.ts';
import { PASSWORD, useHome, withEnv } from './support/home.ts';
import { putFleet, putKey, SOME_KEY } from './support/keys.ts';
import { openTerminal } from './support/terminal.ts';

const home = useHome();
const known = () => withEnv(home(), { COUNTERSIGN_PASSWORD: PASSWORD });
const NARROW = 40;
const COLOUR = /\u001B\[[0-9;]*m/;

/** Lines that the terminal would wrap. A single long word may exceed the width. */
const broken = (shown: string): readonly string[] =>
  shown.split('\n').filter((line) => [...line].length > NARROW && line.trim().includes(' '));

test.each([
  '--help',
  'init --help',
  'call --help',
  'keys import --help',
  'fleet list',
  'keys list',
  'doctor --gateway http://127.0.0.1:1',
  'call http://127.0.0.1:1/tools/lookup --as team/alice',
  'fleet new team --names a,a',
  'call',
])('fits %s into 40 columns', async (line) => {
  const words = line.split(' ');
  await putFleet(home(), 'team', ['alice', 'somebody-with-a-long-name']);
  const terminal = openTerminal(known(), words, NARROW);
  await terminal.ended();
  expect(broken(terminal.shown())).toEqual([]);
  expect(terminal.shown().length).toBeGreaterThan(20);
});

test('prints colours on a terminal only, and not with NO_COLOR, --no-color or a dumb terminal', async () => {
  const shown = async (words: readonly string[], env: Readonly<Record<string, string>> = {}) => {
    const terminal = openTerminal(withEnv(known(), env), words);
    await terminal.ended();
    return terminal.raw();
  };
  expect(await shown(['--help'])).toMatch(COLOUR);
  expect(await shown(['keys', 'new', 'owner'])).toMatch(COLOUR);
  expect(await shown(['keys', 'new', 'owner'], { NO_COLOR: '1' })).not.toMatch(COLOUR);
  expect(await shown(['keys', 'new', 'owner', '--no-color'])).not.toMatch(COLOUR);
  expect(await shown(['--no-color', '--help'])).not.toMatch(COLOUR);
  expect(await shown(['keys', 'new', 'owner'], { TERM: 'dumb' })).not.toMatch(COLOUR);
  const { stdout, stderr } = await pipe(withEnv(known(), { FORCE_COLOR: '1' }), [
    'keys',
    'new',
    'owner',
  ]);
  expect(stdout + stderr).not.toMatch(COLOUR);
});

test('exits with 0 when the reader closes the pipe', () => {
  const { status, stderr } = spawnSync(
    'bash',
    [
      '-c',
      `set -o pipefail; "$0" "$1" completion bash | head -c 1 >/dev/null`,
      process.execPath,
      COMMAND,
    ],
    { env: { ...home().env } as unknown as NodeJS.ProcessEnv, encoding: 'utf8' },
  );
  expect(stderr).toBe('');
  expect(status).toBe(0);
});

test('strips terminal controls from a problem document', async () => {
  const { createServer } = await import('node:http');
  const server = createServer((_, response) => {
    response.writeHead(403, { 'content-type': 'application/problem+json' });
    response.end(
      JSON.stringify({
        type: 'urn:countersign:problem:denied',
        title: 'Denied\u001B]0;owned\u0007',
        detail: '\u001B[2J\u001B[31mgone\u009b1m\u202e',
        hint: 'a\u0008\u0008b',
        rule: '\u001B[1m',
      }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = server.address() as { port: number };
    await putKey(home(), 'treasury', SOME_KEY);
    const { code, stderr } = await pipe(known(), [
      'call',
      `http://127.0.0.1:${port}/`,
      '--as',
      'treasury',
    ]);
    expect(code).toBe(5);
    expect(stderr).toContain('gone');
    expect(stderr.replaceAll('\n', '')).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/);
  } finally {
    server.close();
  }
});
