import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { mnemonicToAccount } from 'viem/accounts';
import { expect, test } from 'vitest';
import { documentIn, pipe } from './support/command.ts';
import { PASSWORD, useHome, withEnv } from './support/home.ts';
import { openTerminal } from './support/terminal.ts';

const home = useHome();
const known = () => withEnv(home(), { COUNTERSIGN_PASSWORD: PASSWORD });
const WORDS = 'test test test test test test test test test test test junk';

type Listed = {
  readonly fleets: readonly {
    readonly name: string;
    readonly agents: readonly { index: number; name: string; address: string }[];
  }[];
};

const listed = async (): Promise<Listed> =>
  documentIn(await pipe(home(), ['fleet', 'list', '--json'])) as Listed;

test('creates, extends and lists a fleet, and keeps its mnemonic encrypted', async () => {
  const made = await pipe(known(), ['fleet', 'new', 'team', '--names', 'alice,bob,carol']);
  expect(made.code).toBe(0);
  const file = join(home().home, 'keys', 'team.json');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect((await pipe(known(), ['fleet', 'derive', 'team', '-n', '2'])).code).toBe(0);
  expect((await stat(file)).mode & 0o777).toBe(0o600);

  const { fleets } = await listed();
  expect(fleets[0]?.agents.map(({ index, name }) => [index, name])).toEqual([
    [0, 'alice'],
    [1, 'bob'],
    [2, 'carol'],
    [3, 'a4'],
    [4, 'a5'],
  ]);
  const revealed = await pipe(known(), ['keys', 'export', 'team', '--reveal', '--yes']);
  const mnemonic = revealed.stdout.trim();
  expect(mnemonic.split(' ')).toHaveLength(24);
  for (const { index, address } of fleets[0]?.agents ?? []) {
    const { address: expected } = mnemonicToAccount(mnemonic, {
      path: `m/44'/60'/0'/0'/${index}'`,
    });
    expect(address).toBe(expected);
  }
  const text = await readFile(file, 'utf8');
  // Compare values only, because some member names of the file, e.g. `index`, are BIP-39 words.
  const values = [...text.matchAll(/"([^"]*)"(?!\s*:)/g)].flatMap(([, value = '']) =>
    value.split(' '),
  );
  for (const word of mnemonic.split(' ')) expect(values).not.toContain(word);
  expect(made.stdout + made.stderr).not.toContain(mnemonic);
});

test('reads an existing mnemonic from a pipe or a hidden prompt', async () => {
  const words = ['fleet', 'new', 'team', '--from-words', '-n', '1', '--organisation', '7'];
  const made = await pipe(known(), [...words, '--json'], `${WORDS.replaceAll(' ', '\n')}\n`);
  const { address } = mnemonicToAccount(WORDS, { path: `m/44'/60'/7'/0'/0'` });
  expect(documentIn(made)['agents']).toEqual([{ index: 0, name: 'a1', address }]);

  const terminal = openTerminal(known(), ['fleet', 'new', 'other', '--from-words']);
  await terminal.sees('Mnemonic');
  terminal.type(WORDS);
  terminal.press('enter');
  await terminal.sees('created other');
  expect(await terminal.ended()).toBe(0);
  expect(terminal.raw()).not.toContain('test test');
});

test.each([
  [['fleet', 'new', 'team', '--names', 'a,b', '-n', '3'], 'names for 3 agents'],
  [['fleet', 'new', 'team', '--names', 'a,a'], 'Two agents'],
  [['fleet', 'new', 'team', '--names', '1'], 'A name of an agent is invalid'],
  [['fleet', 'new', 'team', '-n', '0'], '--agents takes a whole number'],
  [['fleet', 'new', 'team', '-n', '1001'], '--agents takes a whole number'],
  [['fleet', 'new', 'team', '--from-words'], 'not a BIP-39 mnemonic'],
])('rejects %j', async (words, reason) => {
  const { code, stderr } = await pipe(known(), words, 'abandon abandon abandon');
  expect(code).toBe(2);
  expect(stderr).toContain(reason);
  expect(await listed()).toEqual({ fleets: [] });
});

test('leaves the fleet unchanged when Ctrl-C interrupts `fleet derive`', async () => {
  await pipe(known(), ['fleet', 'new', 'team']);
  const before = await listed();
  const terminal = openTerminal(home(), ['fleet', 'derive', 'team']);
  await terminal.sees('Password of fleet team');
  terminal.press('ctrl-c');
  expect(await terminal.ended()).toBe(130);
  expect(await listed()).toEqual(before);
});
