import { describe, expect, test } from 'vitest';
import { keyChecks, missingChecks } from '../../src/cli/doctor/secret-checks.ts';
import { neededSecrets } from '../../src/cli/lib/needed-secrets.ts';
import { needsVaultKey, newVaultKey } from '../../src/cli/lib/vault-key.ts';
import { readVaultKeys } from '../../src/vault/vault-keys.ts';

const tools = (...all: readonly object[]) => JSON.stringify({ tools: all });
const placement = { in: 'header', secret: 'api', name: 'x-api-key' };

describe('VAULT_KEY', () => {
  test.each([
    [tools({ secrets: [placement] }), '', true],
    [tools({ card: {} }), '', true],
    [tools({}, { secrets: [] }), '', false],
    ['{', '', false],
    [undefined, '', false],
    [tools({ secrets: [placement] }), '[[secrets_store_secrets]]\nbinding = "VAULT_KEY"', false],
    [tools({ secrets: [placement] }), '{"binding": "VAULT_KEY"}', false],
    [tools({ secrets: [placement] }), 'binding = "VAULT_KEY_OLD"', true],
  ])('is needed where a tool uses the vault and no store has it: %s, %s', (text, toml, needed) => {
    expect(needsVaultKey(text, toml)).toBe(needed);
  });

  test('is made in the form that the gateway reads, new each time', async () => {
    const [one, other] = [newVaultKey(), newVaultKey()];
    expect(one).not.toBe(other);
    expect((await readVaultKeys({ VAULT_KEY: one })).ok).toBe(true);
  });
});

describe('the check of the vault', () => {
  const secret = (name: string, key: 'current' | 'old' | 'unknown') => ({ name, key });

  test('says nothing about an empty vault', () => {
    expect(keyChecks([])).toEqual([]);
  });

  test('passes where the current key opens every secret', () => {
    expect(keyChecks([secret('a', 'current')])).toMatchObject([{ status: 'ok' }]);
  });

  test('warns while the old key is needed', () => {
    expect(keyChecks([secret('a', 'current'), secret('b', 'old')])).toMatchObject([
      { status: 'warn', says: 'VAULT_KEY_OLD still encrypts 1 secret' },
    ]);
  });

  test('fails for secrets that no key opens, and names them', () => {
    const checks = keyChecks([secret('a', 'old'), secret('lost', 'unknown')]);
    expect(checks).toMatchObject([{ status: 'fail', says: 'no key of the gateway opens lost' }]);
  });

  test('fails for a secret that tools send and the vault lacks, or has for another host', () => {
    const needed = neededSecrets(
      [
        { id: 'a', upstream: '/a', secrets: [placement] },
        { id: 'b', upstream: '/b', secrets: [placement, { in: 'basic', secret: 'login' }] },
        { id: 'c', upstream: 'https://c.example', secrets: [{ secret: 'c' }], disabled: true },
      ],
      'https://api.example',
    );
    const stored = { name: 'login', host: 'other.example', key: 'current' as const };
    expect(missingChecks(needed, [stored])).toMatchObject([
      {
        status: 'fail',
        says: 'the secret api is missing, which a and 1 more need: calls get 503',
        hint: 'countersign secret put api --host api.example',
      },
      {
        status: 'fail',
        says: 'the secret login is bound to other.example, and its tools call api.example: calls get 503',
      },
    ]);
    expect(missingChecks(needed.slice(1), [{ ...stored, host: 'api.example' }])).toEqual([]);
  });
});
