import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { documentIn, pipe } from './support/command.ts';
import { useManagement } from './support/management.ts';
import { openTerminal } from './support/terminal.ts';

const { place, run, okJson, errorOf } = useManagement({
  VAULT_KEY: randomBytes(32).toString('base64'),
});

const VALUE = `sk-${randomBytes(20).toString('hex')}`;
const HOST = ['--host', 'api.weather.example'] as const;

/** Runs a command with the value on standard input. */
const given = async (stdin: string, ...words: readonly string[]) => {
  const ran = await pipe(place(), ['secret', ...words, '--json'], stdin);
  expect(ran.stdout + ran.stderr).not.toContain(VALUE);
  return { code: ran.code, document: documentIn(ran) };
};
const listed = async () =>
  ((await okJson('secret', 'list')) as { secrets: readonly Record<string, unknown>[] }).secrets;

test('an operator stores, replaces, lists and removes a secret, and no output shows its value', async () => {
  const put = await given(`${VALUE}\n`, 'put', 'weather', ...HOST, '--hint', 'of the team');
  expect(put).toMatchObject({ code: 0, document: { name: 'weather', changed: true } });
  const again = await given(VALUE, 'put', 'weather', ...HOST);
  expect([again.code, JSON.stringify(again.document)]).toEqual([
    1,
    expect.stringContaining('secret rotate weather'),
  ]);
  const login = ['--kind', 'basic', '--user', 'me', '--host', 'api.other.example'];
  expect(await given(VALUE, 'put', 'login', ...login)).toMatchObject({ code: 0 });
  expect(await listed()).toMatchObject([
    { name: 'login', kind: 'basic', host: 'api.other.example', version: 1, key: 'current' },
    { name: 'weather', kind: 'token', version: 1, hint: 'of the team', uses: [] },
  ]);

  const rotated = await given(`${VALUE}2`, 'rotate', 'weather');
  expect(rotated).toMatchObject({ code: 0, document: { replaced: 1, changed: true } });
  expect((await listed())[1]).toMatchObject({ host: 'api.weather.example', version: 2 });
  expect((await run('secret', 'list')).stdout).toMatch(/weather +token +api\.weather\.example +2 /);

  expect(await okJson('secret', 'rewrap')).toEqual({ rewrapped: 0, remaining: 0, unreadable: [] });
  expect(await okJson('secret', 'remove', 'weather')).toMatchObject({ changed: true });
  expect((await listed()).map(({ name }) => name)).toEqual(['login']);
  expect(await errorOf(1, 'secret', 'remove', 'weather')).toMatchObject({
    code: 'unknown_document',
  });
});

test('a value is never an argument, and a faulty one is refused without being repeated', async () => {
  expect(await errorOf(2, 'secret', 'put', 'a', VALUE, ...HOST)).toMatchObject({ code: 'usage' });
  expect(await given('short77', 'put', 'a', ...HOST)).toMatchObject({ code: 1 });
  const weak = await given('hunter2hunter', 'put', 'a', ...HOST);
  expect([weak.code, JSON.stringify(weak.document)]).toEqual([
    1,
    expect.stringContaining('--weak'),
  ]);
  expect(await given('hunter2hunter', 'put', 'a', ...HOST, '--weak')).toMatchObject({ code: 0 });
  await okJson('secret', 'remove', 'a');
  expect(await given(VALUE, 'put', 'a', '--host', 'a.example/x')).toMatchObject({ code: 1 });
  expect(await given('no json', 'put', 'a', ...HOST, '--kind', 'json')).toMatchObject({ code: 2 });
  expect(await listed()).toMatchObject([{ name: 'login' }]);
});

test('at a terminal the command asks for the value and does not show it', async () => {
  const terminal = openTerminal(place(), ['secret', 'put', 'typed', ...HOST]);
  await terminal.sees('Value of the secret');
  terminal.type(VALUE);
  terminal.press('enter');
  await terminal.sees('typed stored for api.weather.example');
  expect(await terminal.ended()).toBe(0);
  expect(terminal.shown()).not.toContain(VALUE);
});
