import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { accountNamed, namesOf } from '../../src/cli/lib/accounts.ts';
import type { AdminClient } from '../../src/cli/lib/admin-client.ts';
import { CliError } from '../../src/cli/lib/errors.ts';
import { createKeystore } from '../../src/cli/lib/keystore.ts';
import { ACCOUNT } from './support/output.ts';

test('never prints a label as if it were a key of this machine', async () => {
  const mine = '0x7e5f4552091a69125d5dfcb7b8c2659029395bdf';
  const session = {
    keystore: {
      entries: async () =>
        Promise.resolve([{ kind: 'key', name: 'treasury', address: mine, file: '' }]),
    },
    profile: { stack: async () => Promise.resolve(undefined) },
  };
  const { of } = await namesOf(session as never);
  expect(of(`eip155:84532:${mine}`)).toBe('treasury');
  expect(of(`eip155:84532:${mine}`, 'crawler')).toBe('treasury (crawler)');
  expect(of('eip155:84532:0x2b5a', 'treasury\u001B[2J')).toBe('0x2b5a (treasury)');
  expect(of('eip155:84532:0x2b5a', 'craw\u001B[2Jler')).toBe('crawler');
  expect(of('eip155:84532:0x2b5a')).toBe('0x2b5a');
});

describe('a name that no key of this machine has', () => {
  const adminThat = (list: () => AsyncGenerator, code = 'unknown_account') =>
    ({
      role: 'owner',
      own: async () => ACCOUNT,
      list,
      call: async () => Promise.reject(new CliError('No.', { hint: 'No.', code })),
      session: {
        progress: { during: async (_: string, work: () => Promise<unknown>) => work() },
        profile: {
          named: async () =>
            Promise.reject(new CliError('No.', { hint: 'No.', code: 'unknown_key' })),
        },
      },
    }) as unknown as AdminClient;
  const failing = (code: string) =>
    // oxlint-disable-next-line require-yield
    async function* (): AsyncGenerator {
      throw new CliError('No.', { hint: 'No.', code });
    };
  async function* one(): AsyncGenerator {
    yield { account: ACCOUNT, grant: '0x', status: 'active' };
  }

  test.each([
    ['an owner without a tree', 'unknown_account', 'unknown_name'],
    ['a gateway in trouble', 'storage_unavailable', 'storage_unavailable'],
  ])('is searched in the tree: %s', async (_, failure, code) => {
    await expect(accountNamed(adminThat(failing(failure)), 'nightly')).rejects.toMatchObject({
      code,
    });
  });

  test('is not reported as unknown when the account cannot be read', async () => {
    const read = async (code: string) => accountNamed(adminThat(one, code), 'nightly');
    await expect(read('storage_unavailable')).rejects.toMatchObject({
      code: 'storage_unavailable',
    });
    await expect(read('unknown_account')).rejects.toMatchObject({ code: 'unknown_name' });
  });
});

test('one unreadable file does not hide the other keys of a keystore', async () => {
  const home = await mkdtemp(join(tmpdir(), 'countersign-keys-'));
  try {
    const address = '7e'.repeat(20);
    const crypto = {
      ...{ cipher: 'aes-128-ctr', cipherparams: { iv: '00'.repeat(16) } },
      ...{ ciphertext: '00'.repeat(32), mac: '00'.repeat(32), kdf: 'scrypt' },
      kdfparams: { dklen: 32, n: 2, p: 1, r: 1, salt: '00' },
    };
    const directory = join(home, 'keys');
    const damaged = join(directory, 'broken.json');
    await mkdir(directory);
    await writeFile(
      join(directory, 'treasury.json'),
      JSON.stringify({ version: 3, id: '1', address, crypto }),
    );
    await writeFile(damaged, '{"version":3');
    const keystore = createKeystore({ home, env: {} } as never);
    expect(await keystore.entries()).toMatchObject([{ name: 'treasury', address: `0x${address}` }]);
    expect(await keystore.unreadable()).toEqual([damaged]);
  } finally {
    await rm(home, { recursive: true });
  }
});
