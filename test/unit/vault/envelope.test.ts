import { expect, test } from 'vitest';
import { open } from '../../../src/vault/envelope.ts';
import type { SealedSecret } from '../../../src/vault/secret.ts';
import { readVaultKeys } from '../../../src/vault/vault-keys.ts';
import { keysFrom, sealedOf, secretOf, TOKEN, valueOf } from './sealed.ts';

test('opens with its key, and with the old one while that is still set', async () => {
  const sealed = await sealedOf();
  const value = { ok: true, value: valueOf(TOKEN) };
  expect(await open(sealed, await keysFrom(1))).toEqual(value);
  expect(await open(sealed, await keysFrom(2, 1))).toEqual(value);
});

test('opens values of every kind', async () => {
  const cases = [
    ['basic', { user: 'me', password: 'pass word 1234' }],
    ['header', { name: 'X-Key', value: '0123456789abcdef' }],
    ['json', { id: 'AKIA12345', key: `abc${'z/+='.repeat(1_000)}` }],
  ] as const;
  for (const [kind, json] of cases) {
    const sealed = await sealedOf({ kind }, json);
    expect(await open(sealed, await keysFrom(1))).toEqual({ ok: true, value: valueOf(json, kind) });
  }
});

test.each<Partial<SealedSecret>>([
  { owner: `eip155:84532:0x${'22'.repeat(20)}` },
  { name: 'other' },
  { version: 2 },
  { kind: 'header' },
  { host: 'evil.example' },
])('does not open as %o', async (moved) => {
  const sealed = { ...(await sealedOf()), ...moved };
  expect(await open(sealed, await keysFrom(1))).toEqual({ ok: false, error: 'damaged' });
});

test('does not open with parts of another version, a changed byte, or another length of the IV', async () => {
  const keys = await keysFrom(1);
  const [first, second] = [await sealedOf(), await sealedOf({ version: 2 })];
  const flipped = first.body.slice();
  flipped[20] = (flipped[20] ?? 0) ^ 1;
  const broken: readonly SealedSecret[] = [
    { ...first, wrapped: second.wrapped },
    { ...first, body: second.body },
    { ...first, body: flipped },
    { ...first, body: first.body.slice(0, 40) },
    { ...first, wrapped: new Uint8Array([...first.wrapped, 0, 0, 0, 0]) },
    { ...first, wrapped: new Uint8Array(0), body: new Uint8Array(0) },
  ];
  for (const each of broken)
    expect(await open(each, keys)).toEqual({ ok: false, error: 'damaged' });
});

test('tells a lost key from a damaged row, also if the row names the id of another key', async () => {
  const sealed = await sealedOf();
  expect(await open(sealed, await keysFrom(2, 3))).toEqual({ ok: false, error: 'locked' });
  const { current } = await keysFrom(2);
  const claimed = { ...sealed, kek: current.id };
  expect(await open(claimed, await keysFrom(2))).toEqual({ ok: false, error: 'damaged' });
});

test('says little about the length of a value, and encrypts it differently each time', async () => {
  const [short, long] = [await sealedOf({}, 'abcdef12'), await sealedOf({}, 'abcdef123456789')];
  expect(short.body.length).toBe(long.body.length);
  expect((await sealedOf()).body).not.toEqual((await sealedOf()).body);
});

test('reads keys of a variable or of the Secrets Store, and blames a wrong one without its value', async () => {
  const { current } = await keysFrom(1);
  const stored = { get: async () => `${secretOf(1)}\n` };
  for (const VAULT_KEY of [secretOf(1), stored]) {
    const read = await readVaultKeys({ VAULT_KEY });
    expect(read.ok && read.value.current.id).toBe(current.id);
  }
  const missing = { get: async () => Promise.reject(new Error('no such secret')) };
  const wrong = [{}, { VAULT_KEY: '' }, { VAULT_KEY: 'c2hvcnQ=' }, { VAULT_KEY: missing }];
  for (const env of wrong) {
    const read = await readVaultKeys(env);
    expect(!read.ok && read.error).toMatchObject({ name: 'VAULT_KEY' });
    expect(JSON.stringify(read)).not.toContain('c2hvcnQ=');
  }
  const old = await readVaultKeys({ VAULT_KEY: secretOf(1), VAULT_KEY_OLD: 'x' });
  expect(!old.ok && old.error.name).toBe('VAULT_KEY_OLD');
});
