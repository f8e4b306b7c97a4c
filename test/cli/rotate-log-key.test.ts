import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { keyListText, type ListedKey } from '../../src/audit/log/key-list.ts';
import { keyIdOf } from '../../src/audit/log/signed-note.ts';
import { KEY } from '../unit/audit/log/vectors.ts';
import { documentIn, pipe } from './support/command.ts';
import { useHome } from './support/home.ts';

const home = useHome();
const OLD = KEY;
const NEXT = { ...KEY, publicKey: new Uint8Array(32) };
let listed: readonly ListedKey[];
let gateway: Server;

/** A fake gateway that serves only `/log/keys`. */
beforeEach(async () => {
  gateway = createServer((request, response) => {
    response.statusCode = request.url === '/log/keys' && listed.length > 0 ? 200 : 404;
    response.end(keyListText(listed));
  });
  await new Promise<void>((resolve) => void gateway.listen(0, '127.0.0.1', resolve));
});
afterEach(() => void gateway.close());

const rotate = async (keys: readonly ListedKey[], ...words: readonly string[]) => {
  listed = keys;
  const { port } = gateway.address() as AddressInfo;
  const at = ['--gateway', `http://127.0.0.1:${port}`];
  return await pipe(home(), ['keys', 'rotate', 'log', ...words, ...at]);
};
const stepOf = async (keys: readonly ListedKey[], ...words: readonly string[]) =>
  documentIn(await rotate(keys, ...words, '--json'))['step'];

test('keys rotate log leads from the first key through the overlap to its end', async () => {
  const [old, next] = [
    { key: OLD, from: 1_767_225_600 },
    { key: NEXT, from: 1_795_737_600 },
  ];
  const first = await rotate([old]);
  expect(first.stdout).toContain('npx wrangler secret put LOG_KEY_NEXT < log-key-next.json');
  expect(first.stdout).toContain(keyIdOf(OLD));
  // LOG_KEY_NEXT is set, but has signed no checkpoint. After that, LOG_KEY is the next key, which the list names first.
  expect(await stepOf([old, { key: NEXT }])).toBe('overlap');
  const overlap = await rotate([next, old], keyIdOf(OLD));
  expect(overlap.stdout).toContain('since 2026-11-27T00:00:00Z');
  expect(overlap.stdout).toContain(`${keyIdOf(NEXT)}+`);
  expect(overlap.stdout).toContain(`keys rotate log ${keyIdOf(OLD)}`);
  const retired = { ...old, until: 1_795_800_000 };
  expect(await stepOf([next, retired], keyIdOf(OLD))).toBe('done');
  expect(await stepOf([next, retired])).toBe('replace');
  // LOG_KEY is the old key again, and the list still has its first period.
  const again = { ...old, from: 1_795_900_000 };
  const ended = { ...next, until: 1_795_900_000 };
  expect(await stepOf([again, ended, retired], keyIdOf(OLD))).toBe('replace');
});

test('keys rotate log names a key that it does not know, and a gateway without a log', async () => {
  const old = { key: OLD, from: 1 };
  expect((await rotate([old], '00000000')).stderr).toContain('does not list that key');
  expect((await rotate([old], 'key')).stderr).toContain('not the id of a key');
  expect((await rotate([])).stderr).toContain('publishes no transparency log');
});
