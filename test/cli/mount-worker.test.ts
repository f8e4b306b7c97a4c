import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { mnemonicToAccount, privateKeyToAddress } from 'viem/accounts';
import { describe, expect, it } from 'vitest';
import { people } from '../../dev/stack/people.ts';
import type { Paste } from '../../src/cli/init/paste.ts';
import { documentIn, pipe } from './support/command.ts';
import { useHome } from './support/home.ts';
import { putFleet, putKey, SOME_KEY, WORDS } from './support/keys.ts';
import { pasted } from './support/paste.ts';
import { putShop, SHOP } from './support/shop.ts';
import { openTerminal } from './support/terminal.ts';

const home = useHome();

const FLAGS = [
  ...['--network', 'base-sepolia', '--rpc', 'https://rpc.example', '--skip-checks'],
  ...['--upstream', 'https://api.example/lookup'],
] as const;

const init = async (...words: readonly string[]) => await pipe(home(), ['init', ...words]);
const mount = async (...words: readonly string[]) =>
  await init('--yes', ...FLAGS, '--pay-to', people.seller, ...words);
const at = (name: string): string => join(home().directory, name);
const read = async (name: string): Promise<string> => await readFile(at(name), 'utf8');
const texts = async (): Promise<Readonly<Record<string, string>>> =>
  Object.fromEntries(
    await Promise.all(Object.keys(SHOP).map(async (name) => [name, await read(name)])),
  );

const JSONC = `{
  // The shop.
  "name": "shop",
  "main": "src/index.ts",
  "compatibility_date": "2026-10-01",
  "durable_objects": { "bindings": [{ "name": "COUNTER", "class_name": "Counter" }] },
  "migrations": [
    { "tag": "v1", "new_sqlite_classes": ["Counter"] }, // visits
  ],
}
`;

describe('init in a Worker', () => {
  it('names the lines of wrangler.jsonc, which stays as it is', async () => {
    await putShop(home().directory);
    await rm(at('wrangler.toml'));
    await writeFile(at('wrangler.jsonc'), JSONC);
    const { code, stdout, stderr } = await mount();
    expect(code, stderr).toBe(0);
    expect(stdout).toContain('wrangler.jsonc:4  instead of main\n"main": "src/gateway.ts"');
    expect(stdout).toContain('wrangler.jsonc:6  add to durable_objects.bindings\n{');
    expect(stdout).toContain('wrangler.jsonc:7  add to migrations\n{');
    expect(stdout).toContain('"queue": "shop-countersign-settlement"');
    expect(await read('wrangler.jsonc')).toBe(JSONC);
  });

  it('changes settings of a mounted gateway, and prints what a new release needs', async () => {
    await putShop(home().directory);
    const { paste } = documentIn(await mount('--without-relayer', '--json')) as {
      readonly paste: readonly Paste[];
    };
    const current = pasted(SHOP['wrangler.toml'] ?? '', paste);
    const old = current
      .replaceAll(/"the-shop-[0-9a-f]{8}-countersign-/g, '"countersign-')
      .replace('[[durable_objects.bindings]]\nname = "RELAYER"\nclass_name = "Relayer"\n\n', '')
      .replace('[[durable_objects.bindings]]\nname = "AUDIT_LOG"\nclass_name = "AuditLog"\n\n', '')
      .replace('["AgentAccount", "Relayer", "AuditLog"]', '["AgentAccount"]')
      .replace(/\[\[queues\.producers\]\]\nbinding = "WEBHOOK_DEAD_QUEUE"\nqueue = ".*"\n\n/, '');
    await writeFile(at('wrangler.toml'), old);

    const { code, stdout, stderr } = await init('--yes', '--skip-checks');
    expect(code, stderr).toBe(0);
    expect(stdout).toContain('add at the end of the file\n[[durable_objects.bindings]]');
    expect(stdout).toContain(
      'tag = "countersign-v2"\nnew_sqlite_classes = ["Relayer", "AuditLog"]',
    );
    expect(stdout).toContain('binding = "WEBHOOK_DEAD_QUEUE"');
    // The deployed gateway's queues may still hold messages, so the output must not name them.
    expect(stdout).not.toMatch(/queue = "the-shop-/);
    expect(stderr).toMatch(/^\+RELAYERS = '\{"eip155:84532"/m);
    const text = await read('wrangler.toml');
    expect(text.replace(/^RELAYERS = .*\n/m, '')).toBe(old.replace(/^RELAYERS = .*\n/m, ''));
    expect(text).toMatch(/^RELAYERS = '\{"eip155:84532"/m);
  });

  it.each([
    [
      'no entry',
      { 'wrangler.toml': 'name = "shop"\ncompatibility_date = "2026-10-01"\n' },
      'no `main`',
    ],
    ['environments', { 'wrangler.toml': `${SHOP['wrangler.toml']}[env.staging]\n` }, 'staging'],
  ])('refuses %s, and writes nothing', async (_, files, reason) => {
    await putShop(home().directory, files);
    const { code, stderr } = await mount();
    expect(code).toBe(1);
    expect(stderr).toContain(reason);
    expect(await texts()).toEqual({ ...SHOP, ...files });
    expect(await readdir(home().directory)).not.toContain('tools.json');
  });

  it('refuses secrets that wrangler would no longer read', async () => {
    await putShop(home().directory);
    await rm(at('.dev.vars'));
    await writeFile(at('.env'), 'SHOP_SECRET=sesame\n');
    expect((await mount()).stderr).toContain('cp .env .dev.vars');
    expect(await readdir(home().directory)).not.toContain('.dev.vars');
  });

  it('ignores .dev.vars in git before it holds keys', async () => {
    await putShop(home().directory, { '.gitignore': 'node_modules' });
    await mount();
    expect(await read('.gitignore')).toBe('node_modules\n.dev.vars\n');
  });
});

describe('a receiving address', () => {
  it('is refused if it is an operator, a relayer or an agent', async () => {
    await putShop(home().directory);
    await putFleet(home(), 'team', ['alice']);
    const agent = mnemonicToAccount(WORDS, { path: `m/44'/60'/0'/0'/0'` }).address;
    const relayer = privateKeyToAddress(SOME_KEY);
    await writeFile(at('.dev.vars'), `RELAYER_KEY="${SOME_KEY}"\n`);
    const refused = async (payTo: string, ...words: readonly string[]) => {
      const { code, stderr } = await init('--yes', ...FLAGS, '--pay-to', payTo, ...words);
      expect(code).toBe(2);
      return stderr.replaceAll(/\s+/g, ' ');
    };
    expect(await refused(people.seller, '--operator', people.seller)).toContain(
      'is an operator as well',
    );
    expect(await refused(relayer)).toContain('is a relayer as well');
    expect(await refused(agent)).toContain('an agent of the fleet team');
    expect(await readdir(at('src'))).not.toContain('gateway.ts');
  });

  it('may be a key of this machine, with a remark', async () => {
    await putShop(home().directory);
    await putKey(home(), 'payee', SOME_KEY);
    const { code, stderr } = await init(
      '--yes',
      ...FLAGS,
      '--pay-to',
      privateKeyToAddress(SOME_KEY),
    );
    expect(code).toBe(0);
    expect(stderr).toContain('your key payee');
  });
});

describe('Ctrl-C', () => {
  const ANSWERS = {
    'pay-to': people.seller,
    network: 'base-sepolia',
    rpc: 'https://rpc.example',
    upstream: 'https://api.example/lookup',
    audience: 'http://localhost:8787',
  } as const;

  it.each([
    ['pay-to', ['Which address receives the payments?']],
    ['network', ['On which network']],
    ['rpc', ['JSON-RPC URL of base-sepolia']],
    ['upstream', ['URL of the first tool']],
    ['audience', ['Origin that agents will call']],
    ['its only use', ['used for nothing else?']],
  ] as const)('at the question for %s writes nothing', async (missing, questions) => {
    await putShop(home().directory);
    const given = Object.entries(ANSWERS).filter(([name]) => name !== missing);
    const words = given.flatMap(([name, value]) => [`--${name}`, value]);
    const terminal = openTerminal(home(), ['init', '--skip-checks', ...words]);
    for (const [index, question] of questions.entries()) {
      if (index > 0) terminal.type('y');
      await terminal.sees(question);
    }
    terminal.press('ctrl-c');
    expect(await terminal.ended()).toBe(130);
    expect(await texts()).toEqual(SHOP);
    expect(await readdir(home().directory)).not.toContain('tools.json');
  });

  it('is not needed to refuse: the answer no writes nothing', async () => {
    await putShop(home().directory);
    const words = [...FLAGS, '--audience', 'http://localhost:8787', '--pay-to', people.seller];
    const terminal = openTerminal(home(), ['init', ...words]);
    await terminal.sees('used for nothing else?');
    terminal.press('enter');
    expect(await terminal.ended()).toBe(2);
    expect(await texts()).toEqual(SHOP);
  });

  it('is not needed if a file changed meanwhile: the answer yes writes nothing then', async () => {
    await putShop(home().directory);
    const words = [...FLAGS, '--audience', 'http://localhost:8787', '--pay-to', people.seller];
    const terminal = openTerminal(home(), ['init', ...words]);
    await terminal.sees('used for nothing else?');
    const edited = `${SHOP['.dev.vars']}MINE="1"\n`;
    await writeFile(at('.dev.vars'), edited);
    terminal.type('y');
    expect(await terminal.ended()).toBe(1);
    expect(terminal.shown()).toContain('changed while the command asked');
    expect(await texts()).toEqual({ ...SHOP, '.dev.vars': edited });
  });
});
