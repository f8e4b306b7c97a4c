import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { privateKeyToAddress } from 'viem/accounts';
import { describe, expect, test } from 'vitest';
import { documentIn, pipe } from './support/command.ts';
import { PASSWORD, useHome, withEnv } from './support/home.ts';
import { putKey, SOME_KEY } from './support/keys.ts';
import { openTerminal } from './support/terminal.ts';

const home = useHome();
const known = () => withEnv(home(), { COUNTERSIGN_PASSWORD: PASSWORD });
const KEY = '7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d';
const ADDRESS = '0x008AeEda4D805471dF9b2A5B0f38A0C3bCBA786b';

describe('a new key', () => {
  test('is stored encrypted with mode 600 and never printed', async () => {
    const made = documentIn(await pipe(known(), ['keys', 'new', 'treasury', '--json']));
    const file = join(home().home, 'keys', 'treasury.json');
    expect(made).toEqual({ name: 'treasury', address: expect.stringMatching(/^0x/), file });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await stat(join(home().home, 'keys'))).mode & 0o777).toBe(0o700);
    expect(await readdir(join(home().home, 'keys'))).toEqual(['treasury.json']);

    const listed = documentIn(await pipe(home(), ['keys', 'list', '--json']));
    expect(listed['keys']).toEqual([{ name: 'treasury', address: made['address'] }]);

    const revealed = documentIn(
      await pipe(known(), ['keys', 'export', 'treasury', '--reveal', '--yes', '--json']),
    );
    const secret = revealed['privateKey'] as `0x${string}`;
    expect(privateKeyToAddress(secret)).toBe(made['address']);
    const text = await readFile(file, 'utf8');
    expect(text).not.toContain(secret.slice(2));
    for (const words of [
      ['keys', 'list'],
      ['keys', 'export', 'treasury'],
    ]) {
      const { stdout, stderr } = await pipe(known(), words);
      expect(stdout + stderr).not.toContain(secret.slice(2));
    }
  });

  test('does not replace an existing key', async () => {
    await putKey(home(), 'treasury', SOME_KEY);
    const before = await readFile(join(home().home, 'keys', 'treasury.json'), 'utf8');
    const again = await pipe(known(), ['keys', 'new', 'treasury']);
    expect(again.code).toBe(1);
    expect(again.stderr).toContain('Choose another name');
    expect(await readFile(join(home().home, 'keys', 'treasury.json'), 'utf8')).toBe(before);
  });

  test('names an unreadable key, and still uses the others', async () => {
    await putKey(home(), 'treasury', SOME_KEY);
    const directory = join(home().home, 'keys');
    await writeFile(join(directory, 'broken.json'), '{"version":3');
    await mkdir(join(directory, 'folder.json'));
    const listed = await pipe(home(), ['keys', 'list']);
    expect(listed.code).toBe(0);
    expect(listed.stdout).toContain('treasury');
    for (const name of ['broken.json', 'folder.json'])
      expect(listed.stderr).toContain(join(directory, name));
    const exported = await pipe(home(), ['keys', 'export', 'treasury']);
    expect(exported.code).toBe(0);
    const named = await pipe(home(), ['keys', 'export', 'broken']);
    expect(named.stderr).toContain(join(directory, 'broken.json'));
    // The damaged file may hold the key that the user meant, so the command signs with no other key.
    const called = await pipe(home(), ['call', 'http://127.0.0.1:9/x']);
    expect(called.stderr.replaceAll(/\s+/g, ' ')).toContain('does not know which key signs');
    expect(called.stderr).toContain('broken.json');
  });

  test.each(['', '../up', 'UPPER', 'a'.repeat(33), 'owner', 'operator', 'agent', 'agent1'])(
    'cannot have the name %j',
    async (name) => {
      const { code, stderr } = await pipe(known(), ['keys', 'new', name]);
      expect(code).toBe(2);
      expect(stderr).toContain('next');
    },
  );

  test('rejects a short password', async () => {
    const { code, stderr } = await pipe(withEnv(home(), { COUNTERSIGN_PASSWORD: 'short' }), [
      'keys',
      'new',
      'treasury',
    ]);
    expect(code).toBe(2);
    expect(stderr).toContain('at least 8 characters');
    expect(stderr).not.toContain('short');
  });
});

test('lets one of two concurrent `keys new` with the same name win', async () => {
  const ran = await Promise.all(
    [1, 2].map(async () => await pipe(known(), ['keys', 'new', 'treasury', '--json'])),
  );
  const documents = ran.map(documentIn);
  expect(new Set(ran.map(({ code }) => code))).toEqual(new Set([0, 1]));
  expect(documents.map(({ error }) => error).filter(Boolean)).toMatchObject([
    { code: 'name_taken' },
  ]);
  const listed = documentIn(await pipe(home(), ['keys', 'list', '--json']));
  const made = documents.find(({ error }) => error === undefined);
  expect(listed['keys']).toEqual([{ name: 'treasury', address: made?.['address'] }]);
});

describe('a password', () => {
  test('is typed twice at a hidden prompt', async () => {
    const terminal = openTerminal(home(), ['keys', 'new', 'treasury']);
    await terminal.sees('New password for key treasury');
    terminal.type('short');
    terminal.press('enter');
    await terminal.sees('at least 8 characters');
    terminal.type(PASSWORD.slice('short'.length));
    terminal.press('enter');
    await terminal.sees('Repeat the password');
    terminal.type('something else');
    terminal.press('enter');
    await terminal.sees('The passwords differ');
    terminal.press('ctrl-c');
    expect(await terminal.ended()).toBe(130);
    expect(terminal.raw()).not.toContain(PASSWORD);
    expect(terminal.raw()).not.toContain('something');
  });

  test('decrypts the key that it encrypted', async () => {
    const making = openTerminal(home(), ['keys', 'new', 'treasury']);
    await making.sees('New password');
    making.type(PASSWORD);
    making.press('enter');
    await making.sees('Repeat the password');
    making.type(PASSWORD);
    making.press('enter');
    await making.sees('created treasury');
    expect(await making.ended()).toBe(0);

    const reading = openTerminal(home(), ['keys', 'export', 'treasury', '--reveal']);
    await reading.sees('Anyone who sees it controls the funds');
    reading.type('y');
    await reading.sees('Password of key treasury');
    reading.type('not the password');
    reading.press('enter');
    await reading.sees('Wrong password.');
    await reading.sees('Password of key treasury');
    reading.type(PASSWORD);
    reading.press('enter');
    await reading.sees(/0x[0-9a-f]{64}/);
    expect(await reading.ended()).toBe(0);
  });

  test('ends with 4 after three wrong attempts', async () => {
    await putKey(home(), 'treasury', SOME_KEY);
    const terminal = openTerminal(home(), ['keys', 'export', 'treasury', '--reveal', '--yes']);
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      await terminal.sees('Password of key treasury');
      terminal.type('not the password');
      terminal.press('enter');
      await terminal.sees(attempt < 3 ? 'Wrong password.' : 'does not decrypt treasury');
    }
    expect(await terminal.ended()).toBe(4);
    expect(terminal.raw()).not.toContain('not the password');
  });

  test('comes from a file, with a note if other users can read it', async () => {
    const file = join(home().directory, 'password');
    // Windows editors write a byte order mark and CRLF line ends.
    await writeFile(file, `\uFEFF${PASSWORD}\r\n`, { mode: 0o644 });
    const made = await pipe(home(), ['keys', 'new', 'treasury', '--password-file', file]);
    expect(made.code).toBe(0);
    expect(made.stderr).toContain('other users can read');
    const opened = await pipe(known(), ['keys', 'export', 'treasury', '--reveal', '--yes']);
    expect(opened.stdout).toMatch(/^0x[0-9a-f]{64}\n$/);
  });

  test('is a usage error without a terminal', async () => {
    const { code, stderr, stdout } = await pipe(home(), ['keys', 'new', 'treasury']);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain('--password-file');
    expect(stderr).toContain('COUNTERSIGN_PASSWORD');
  });
});

describe('Ctrl-C', () => {
  test('at a prompt leaves no file and ends with 130', async () => {
    const terminal = openTerminal(home(), ['keys', 'new', 'treasury']);
    await terminal.sees('New password');
    terminal.type('half a pass');
    terminal.press('ctrl-c');
    expect(await terminal.ended()).toBe(130);
    expect(terminal.shown()).toContain('Cancelled.');
    expect(await readdir(home().directory)).toEqual([]);
  });

  test('at the confirmation of --reveal prints no key', async () => {
    await putKey(home(), 'treasury', SOME_KEY);
    const terminal = openTerminal(known(), ['keys', 'export', 'treasury', '--reveal']);
    await terminal.sees('Anyone who sees it');
    terminal.press('ctrl-c');
    expect(await terminal.ended()).toBe(130);
    expect(terminal.shown()).not.toMatch(/0x[0-9a-f]{64}/);
  });
});

describe('an import', () => {
  test('reads a private key from a pipe', async () => {
    const made = await pipe(known(), ['keys', 'import', 'old', '--json'], `0x${KEY}\n`);
    expect(documentIn(made)['address']).toBe(ADDRESS);
    expect(made.stdout + made.stderr).not.toContain(KEY);
  });

  test('reads a private key from a hidden prompt', async () => {
    const terminal = openTerminal(known(), ['keys', 'import', 'old']);
    await terminal.sees('Private key');
    terminal.type(KEY);
    terminal.press('enter');
    await terminal.sees(ADDRESS);
    expect(await terminal.ended()).toBe(0);
    expect(terminal.raw()).not.toContain(KEY);
  });

  test('rejects a key in argv without repeating it (CWE-214)', async () => {
    for (const words of [
      ['keys', 'import', 'old', `0x${KEY}`],
      ['keys', 'import', KEY],
      ['keys', 'import', 'old', `--file=${KEY}`],
      ['keys', 'import', 'old', `--key=${KEY}`],
      ['keys', 'new', `0x${KEY}`],
      ['call', '/tools/lookup', '--as', KEY],
    ]) {
      const { code, stdout, stderr } = await pipe(known(), words);
      expect(code).not.toBe(0);
      if (!words.some((word) => word.startsWith('--file')))
        expect(stdout + stderr).not.toContain(KEY);
    }
    expect(await readdir(home().directory)).toEqual([]);
  });

  test.each(['', 'x', KEY.slice(1), '0'.repeat(64), 'f'.repeat(64)])('rejects %j', async (text) => {
    const { code, stderr } = await pipe(known(), ['keys', 'import', 'old'], text);
    expect(code).toBe(2);
    expect(stderr).toContain('not a private key');
  });

  /** The test vectors of the Web3 Secret Storage definition. */
  const FILES = {
    scrypt: {
      cipher: 'aes-128-ctr',
      cipherparams: { iv: '83dbcc02d8ccb40e466191a123791e0e' },
      ciphertext: 'd172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c',
      kdf: 'scrypt',
      kdfparams: {
        dklen: 32,
        n: 262144,
        r: 1,
        p: 8,
        salt: 'ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19',
      },
      mac: '2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097',
    },
    pbkdf2: {
      cipher: 'aes-128-ctr',
      cipherparams: { iv: '6087dab2f9fdbbfaddc31a909735c1e6' },
      ciphertext: '5318b4d5bcd28de64ee5559e671353e16f075ecae9f99c7a79a38af5f869aa46',
      kdf: 'pbkdf2',
      kdfparams: {
        c: 262144,
        dklen: 32,
        prf: 'hmac-sha256',
        salt: 'ae3cd4e7013836a3df6bd7241b12db061dbe2c6785853cce422d148a624ce0bd',
      },
      mac: '517ead924a9d0dc3124507e3393d175ce3ff7c1e96529c6c555ce9e51205e9b2',
    },
  };

  test.each(['scrypt', 'pbkdf2'] as const)(
    'reads the keystore file of another wallet (%s)',
    async (kdf) => {
      const file = join(home().directory, 'UTC--wallet.json');
      const old = join(home().directory, 'old');
      await writeFile(old, 'testpassword\n', { mode: 0o600 });
      await writeFile(
        file,
        JSON.stringify({
          crypto: FILES[kdf],
          id: '3198bc9c-6672-5ab3-d995-4942343ae5b6',
          version: 3,
        }),
      );
      const words = ['keys', 'import', 'old', '--file', file, '--json'];
      const wrong = await pipe(known(), words);
      expect(wrong.code).toBe(4);
      const taken = await pipe(known(), [...words, '--old-password-file', old]);
      expect(documentIn(taken)['address']).toBe(ADDRESS);
      const revealed = await pipe(known(), ['keys', 'export', 'old', '--reveal', '--yes']);
      expect(revealed.stdout).toBe(`0x${KEY}\n`);
    },
  );

  test('rejects a file whose scrypt would exhaust the memory (CWE-400)', async () => {
    const file = join(home().directory, 'greedy.json');
    const { kdfparams } = FILES.scrypt;
    const crypto = { ...FILES.scrypt, kdfparams: { ...kdfparams, n: 2 ** 20, r: 16 } };
    await writeFile(file, JSON.stringify({ crypto, id: 'x', version: 3 }));
    const { code, stderr } = await pipe(known(), ['keys', 'import', 'old', '--file', file]);
    expect(code).toBe(2);
    expect(stderr).toContain('cannot read that file as a keystore');
  });
});

test('names a damaged keystore file, and lists the others', async () => {
  await mkdir(join(home().home, 'keys'), { recursive: true });
  await writeFile(join(home().home, 'keys', 'broken.json'), '{"version":3}');
  const { code, stderr } = await pipe(home(), ['keys', 'list']);
  expect(code).toBe(0);
  expect(stderr.replace(/\s+/g, ' ')).toMatch(/cannot read .*broken\.json\. Restore it/);
});
