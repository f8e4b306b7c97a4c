import { parse } from '@decimalturn/toml-patch';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Hex } from 'viem';
import { privateKeyToAddress } from 'viem/accounts';
import { describe, expect, test } from 'vitest';
import { ROOT } from '../../dev/root.ts';
import { people } from '../../dev/stack/people.ts';
import { checkNamed, LOCAL, useCheckout } from './support/checkout.ts';
import { pipe, type Ran } from './support/command.ts';
import { openTerminal } from './support/terminal.ts';

const { world, checkout, read, flags } = useCheckout();

const variables = async (): Promise<Readonly<Record<string, string>>> =>
  (parse(await read('wrangler.toml')) as { vars: Record<string, string> }).vars;

describe('init in a pipe', () => {
  test('checks and writes all files, keeps comments, and prints no key', async () => {
    const { code, stdout, stderr } = await pipe(checkout(), ['init', ...flags()]);
    expect(code, stderr).toBe(0);
    expect(stdout).toContain('npx countersign deploy --dry-run');
    expect(await variables()).toMatchObject({
      AUDIENCES: 'http://localhost:8787',
      PAY_TO: JSON.stringify({ 'eip155:84532': people.payTo }),
      RPC_URLS: JSON.stringify({ 'eip155:84532': [world().stack.description.rpc] }),
      UPSTREAM_URL: world().stack.description.upstream,
      PAUSED: 'false',
      LOCAL_STACK: 'false',
    });
    // `.dev.vars` is never deployed, unlike wrangler.toml.
    expect(await read('.dev.vars')).toContain("LOCAL_STACK='true'\n");
    const comments = (text: string) => text.split('\n').filter((line) => line.startsWith('#'));
    const original = await readFile(join(ROOT, 'wrangler.toml'), 'utf8');
    expect(comments(await read('wrangler.toml'))).toEqual(comments(original));
    const lines = (text: string) => text.split('\n').length;
    expect(lines(await read('wrangler.toml'))).toBe(lines(original));
    expect(JSON.parse(await read('tools.json'))).toMatchObject({
      tools: [{ upstream: '/lookup' }],
    });

    expect((await stat(join(checkout().directory, '.dev.vars'))).mode & 0o777).toBe(0o600);
    const key = /"d":"([^"]+)"/.exec(await read('.dev.vars'))?.[1] ?? '?';
    expect(stdout + stderr).not.toContain(key);

    const { status } = checkNamed(
      await pipe(checkout(), ['doctor', '--json', '--gateway', world().stack.description.gateway]),
      'configuration',
    );
    expect(status).toBe('ok');
  });

  test('changes nothing when run again, and keeps the receipt key', async () => {
    await pipe(checkout(), ['init', ...flags()]);
    const before = await Promise.all(['wrangler.toml', 'tools.json', '.dev.vars'].map(read));
    const again = await pipe(checkout(), ['init', ...flags()]);
    expect(again.code).toBe(0);
    expect(await Promise.all(['wrangler.toml', 'tools.json', '.dev.vars'].map(read))).toEqual(
      before,
    );
  });

  test('sets up a relayer for what the facilitator cannot take at once, and prints its address alone', async () => {
    const { code, stdout, stderr } = await pipe(checkout(), ['init', ...flags(), '--json']);
    expect(code, stderr).toBe(0);
    const key = /^RELAYER_KEY='(0x[0-9a-f]{64})'$/m.exec(await read('.dev.vars'))?.[1] as Hex;
    const address = privateKeyToAddress(key);
    expect((await variables())['RELAYERS']).toBe(
      JSON.stringify({ 'eip155:84532': { addresses: [address], first: false } }),
    );
    expect(JSON.parse(stdout)).toMatchObject({ relayer: address });
    expect(stdout + stderr).not.toContain(key.slice(2));
  });

  test('makes a key of the vault once for tools with secrets, and lists it for wrangler', async () => {
    const { tools } = JSON.parse(await read('tools.json')) as { tools: readonly object[] };
    const [first = {}, ...rest] = tools;
    const secrets = [{ in: 'header', secret: 'api', name: 'x-api-key' }];
    const vaulted = { ...first, upstream: 'https://api.example/lookup', secrets };
    await writeFile(
      join(checkout().directory, 'tools.json'),
      JSON.stringify({ tools: [vaulted, ...rest] }),
    );
    const run = async () => {
      const { code, stdout, stderr } = await pipe(checkout(), [
        ...['init', ...flags(), '--keep-tools'],
      ]);
      expect(code, stderr).toBe(0);
      const key = /^VAULT_KEY='([A-Za-z0-9+/]{43}=)'$/m.exec(await read('.dev.vars'))?.[1] ?? '?';
      expect(stdout + stderr).not.toContain(key);
      return key;
    };
    const key = await run();
    expect(Buffer.from(key, 'base64')).toHaveLength(32);
    expect(await run()).toBe(key);
    const { secrets: listed } = parse(await read('wrangler.toml')) as {
      secrets?: { required?: readonly string[] };
    };
    if (listed?.required !== undefined) expect(listed.required).toContain('VAULT_KEY');
  });

  test('sets up no relayer with --without-relayer', async () => {
    const { code } = await pipe(checkout(), ['init', ...flags(), '--without-relayer']);
    expect(code).toBe(0);
    expect((await variables())['RELAYERS']).toBe('');
    expect(await read('.dev.vars')).not.toContain('RELAYER_KEY');
  });

  test('keeps a relayer that the operator has set up', async () => {
    const own = {
      'eip155:84532': { addresses: [people.owner.address], signer: 'https://s.example' },
    };
    const text = (await read('wrangler.toml')).replace(
      'RELAYERS = ""',
      `RELAYERS = '${JSON.stringify(own)}'`,
    );
    await writeFile(join(checkout().directory, 'wrangler.toml'), text);
    expect((await pipe(checkout(), ['init', ...flags()])).code).toBe(0);
    expect((await variables())['RELAYERS']).toBe(JSON.stringify(own));
    expect(await read('.dev.vars')).not.toContain('RELAYER_KEY');
  });

  test('overwrites no edited value without --force', async () => {
    const edited = (await read('tools.json')).replace('$0.001', '$0.002');
    await writeFile(join(checkout().directory, 'tools.json'), edited);
    const before = await read('wrangler.toml');
    const refused = await pipe(checkout(), ['init', ...flags()]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('tools.json');
    expect(refused.stderr).toContain('--force');
    expect(await read('tools.json')).toBe(edited);
    expect(await read('wrangler.toml')).toBe(before);

    expect((await pipe(checkout(), ['init', ...flags(), '--keep-tools'])).code).toBe(0);
    expect(await read('tools.json')).toBe(edited);
    const other = flags({ 'pay-to': people.owner.address });
    const lost = await pipe(checkout(), ['init', ...other, '--keep-tools']);
    expect(lost.stderr).toContain('PAY_TO in wrangler.toml');
    expect((await pipe(checkout(), ['init', ...other, '--force'])).code).toBe(0);
    expect(await read('tools.json')).not.toBe(edited);
  });

  test.each([
    ['another chain', { network: 'base' }, 'is chain 84532, not 8453', 1],
    ['no RPC', { rpc: 'http://127.0.0.1:1' }, 'no usable answer', 1],
    ['no address', { 'pay-to': '0x12' }, 'not an address', 2],
    ['a wrong checksum', { 'pay-to': people.payTo.replace('f8A', 'F8A') }, 'not an address', 2],
    ['an unknown network', { network: 'bitcoin' }, 'no payments on the network', 2],
    ['no URL', { upstream: 'api.example' }, 'must be an absolute URL', 2],
    ['a private address', { upstream: 'https://10.0.0.1/x' }, 'must name a public host', 2],
    ['a facilitator on http', { facilitator: 'http://f.example' }, 'must start with https://', 2],
    ['an audience with a path', { audience: 'https://gateway.example/x' }, 'origins only', 2],
    ['no operator', { operator: 'me' }, 'addresses', 2],
  ] as const)('writes nothing with %s', async (_, changes, reason, exit) => {
    const before = await readdir(checkout().directory);
    const text = await read('wrangler.toml');
    const { code, stdout, stderr } = await pipe(checkout(), ['init', ...flags(changes)]);
    expect(code).toBe(exit);
    expect(stdout).toBe('');
    expect(stderr).toContain(reason);
    expect(await readdir(checkout().directory)).toEqual(before);
    expect(await read('wrangler.toml')).toBe(text);
  });

  test.each(['rpc', 'upstream', 'facilitator'])(
    'rejects a local --%s without --local-stack',
    async (name) => {
      const urls = {
        rpc: 'https://rpc.example',
        upstream: 'https://api.example/x',
        facilitator: 'https://facilitator.example',
        [name]: 'http://127.0.0.1:9999',
      };
      const words = flags(urls).filter((word) => word !== LOCAL);
      const { code, stderr } = await pipe(checkout(), ['init', ...words, '--skip-checks']);
      expect(code).toBe(2);
      expect(stderr).toContain(`--${name}: This URL is on this machine. Add --local-stack`);
      expect(await readdir(checkout().directory)).not.toContain('.dev.vars');
    },
  );

  test('turns LOCAL_STACK off when every URL is public', async () => {
    await pipe(checkout(), ['init', ...flags()]);
    const urls = {
      rpc: 'https://rpc.example',
      upstream: 'https://api.example/lookup',
      facilitator: 'https://facilitator.example',
      audience: 'https://gateway.example.com',
    };
    const words = [...flags(urls).filter((word) => word !== LOCAL), '--skip-checks', '--force'];
    const { code, stderr } = await pipe(checkout(), ['init', ...words]);
    expect(code, stderr).toBe(0);
    expect(await read('.dev.vars')).toMatch(
      /RECEIPT_KEY='.*'\nRELAYER_KEY='.*'\nLOCAL_STACK='false'\n$/,
    );
  });

  test('keeps the settings of a configured gateway that no option names', async () => {
    await pipe(checkout(), ['init', ...flags()]);
    const before = await Promise.all(['wrangler.toml', 'tools.json', '.dev.vars'].map(read));
    const again = await pipe(checkout(), ['init']);
    expect(again.code, again.stderr).toBe(0);
    expect(again.stdout).toContain('Nothing to change');
    expect(await Promise.all(['wrangler.toml', 'tools.json', '.dev.vars'].map(read))).toEqual(
      before,
    );
    const changed = ['init', '--audience', 'http://localhost:9999', '--force', '--skip-checks'];
    expect((await pipe(checkout(), changed)).code).toBe(0);
    const changes = Object.entries(await variables()).filter(
      ([name, value]) => !before[0]?.includes(name) || !before[0].includes(value),
    );
    expect(changes).toEqual([['AUDIENCES', 'http://localhost:9999']]);
  });

  test('shows what the chain knows of a receiving address that was used', async () => {
    const fresh = await pipe(checkout(), ['init', ...flags(), '--json']);
    expect(payeeIn(fresh)).toMatchObject({ status: 'ok' });
    const used = flags({ 'pay-to': people.agent.address });
    const { says, status } = payeeIn(
      await pipe(checkout(), ['init', ...used, '--force', '--json']),
    );
    expect(status).toBe('warn');
    expect(says).toMatch(/holds \$[0-9.]+ of USDC, is in [0-9]+ USDC transfers?/);
  });
});

const payeeIn = (ran: Ran) => checkNamed(ran, 'receiving address');

describe('init at a terminal', () => {
  const answer = async (columns: number) => {
    const { rpc, upstream, facilitator } = world().stack.description;
    const terminal = openTerminal(
      checkout(),
      ['init', LOCAL, '--facilitator', facilitator],
      columns,
    );
    await terminal.sees('Which address receives the payments?');
    terminal.type('no address');
    terminal.press('enter');
    await terminal.sees('That is not an address');
    for (const _ of 'no address') terminal.type('\u007F');
    terminal.type(people.payTo);
    terminal.press('enter');
    await terminal.sees('On which network');
    terminal.press('enter');
    await terminal.sees('JSON-RPC URL of base-sepolia');
    terminal.type(rpc);
    terminal.press('enter');
    await terminal.sees('URL of the first tool');
    terminal.type(`${upstream}/lookup`);
    terminal.press('enter');
    await terminal.sees('Origin that agents will call');
    return terminal;
  };

  test.each([100, 40])('asks, checks and writes (%i columns)', async (columns) => {
    const terminal = await answer(columns);
    terminal.press('enter');
    await terminal.sees('used for nothing else?');
    terminal.type('y');
    await terminal.sees('countersign deploy --dry-run');
    expect(await terminal.ended()).toBe(0);
    expect(await variables()).toMatchObject({ AUDIENCES: 'http://localhost:8787' });
  });

  test('writes nothing when Ctrl-C interrupts the last question', async () => {
    const before = await readdir(checkout().directory);
    const text = await read('wrangler.toml');
    const terminal = await answer(100);
    terminal.press('ctrl-c');
    expect(await terminal.ended()).toBe(130);
    expect(await readdir(checkout().directory)).toEqual(before);
    expect(await read('wrangler.toml')).toBe(text);
  });

  test('asks before it overwrites edited values, and obeys the answer', async () => {
    const edited = (await read('tools.json')).replace('$0.001', '$0.002');
    await writeFile(join(checkout().directory, 'tools.json'), edited);
    const no = openTerminal(checkout(), ['init', ...flags({ audience: 'http://localhost:8787' })]);
    await no.sees('used for nothing else?');
    no.type('y');
    await no.sees('Overwrite what you edited? tools.json');
    no.press('enter');
    expect(await no.ended()).toBe(130);
    expect(await read('tools.json')).toBe(edited);
    const yes = openTerminal(checkout(), ['init', ...flags({ audience: 'http://localhost:8787' })]);
    await yes.sees('used for nothing else?');
    yes.type('y');
    await yes.sees('Overwrite what you edited? tools.json');
    yes.type('y');
    expect(await yes.ended()).toBe(0);
    expect(await read('tools.json')).not.toBe(edited);
  });
});
