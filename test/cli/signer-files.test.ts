import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { documentIn, pipe, type Place } from './support/command.ts';
import { useHome, withEnv, PASSWORD } from './support/home.ts';

const home = useHome();
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** Starts a signer without agents that answers every command with `command`. Returns it with the requests it received. */
const serving = async (command: (response: ServerResponse) => void) => {
  const seen: string[] = [];
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`);
    if (request.method === 'GET') response.end(JSON.stringify({ items: [] }));
    else command(response);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { readonly port: number };
  return { seen, origin: `http://127.0.0.1:${port}` };
};

const place = async (): Promise<Place> => {
  const at = withEnv(home(), { COUNTERSIGN_PASSWORD: PASSWORD });
  await pipe(at, ['keys', 'new', 'treasury', '--json']);
  return at;
};

const POLICY = JSON.stringify({
  audiences: ['https://gateway.example'],
  tools: ['*'],
  payees: ['0xffffffffffffffffffffffffffffffffffffffff'],
  assets: [],
  perSignature: '$0.05',
  lifetime: '$1',
});

const errorOf = async (at: Place, words: readonly string[], stdin = '') => {
  const ran = await pipe(at, ['signer', ...words, '--json'], stdin);
  return { code: ran.code, text: ran.stdout + ran.stderr, ...(documentIn(ran)['error'] as object) };
};

test('names the option that is missing', async () => {
  const at = await place();
  expect(await errorOf(at, ['list'])).toMatchObject({
    code: 'usage',
    hint: expect.stringContaining('--signer'),
  });
});

test('names each field that a policy lacks', async () => {
  const at = await place();
  const enrol = ['enrol', 'bot', '--signer', 'http://127.0.0.1:1', '--per-call', '0.05'];
  expect(await errorOf(at, enrol)).toMatchObject({
    code: 'malformed_policy',
    message: expect.stringMatching(/audiences .*payees .*assets /),
  });
});

test('refuses a private key where a public one belongs, and does not repeat it', async () => {
  const at = await place();
  const d = 'n4Ni-HpISpVObnQMW0wOhCKROaIKqKtW_2ZYb2p9KcU';
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: 'JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs', d };
  const enrol = ['enrol', 'bot', '--signer', 'http://127.0.0.1:1', '--jwk', '-'];
  const error = await errorOf(at, enrol, JSON.stringify(jwk));
  expect(error).toMatchObject({ code: 'usage', message: expect.stringContaining('private key') });
  expect(error.text).not.toContain(d);
});

test('leaves no key file behind when the signer cannot be reached or refuses', async () => {
  const at = await place();
  const agents = join(at.env['COUNTERSIGN_HOME'] ?? '', 'agents');
  const policy = join(at.directory, 'policy.json');
  await writeFile(policy, POLICY);
  const { origin, seen } = await serving((response) => {
    response.writeHead(403, { 'content-type': 'application/problem+json' });
    response.end(JSON.stringify({ type: 'urn:countersign:problem:forbidden', title: 'No' }));
  });
  for (const signer of ['http://127.0.0.1:1', origin]) {
    const enrol = ['enrol', 'bot', '--signer', signer, '--policy', policy];
    expect((await errorOf(at, enrol)).text).toMatch(/unreachable|forbidden/);
    expect(await readdir(agents).catch(() => [])).toEqual([]);
  }
  const path = expect.stringMatching(/^\/owners\/eip155:8453:0x[0-9a-f]{40}\/agents$/);
  expect(seen.map((line) => line.split(' '))).toEqual([
    ['GET', path],
    ['POST', path],
  ]);
});

test('keeps the key when the answer to an enrolment is lost, and never writes over it', async () => {
  const at = await place();
  const file = join(at.env['COUNTERSIGN_HOME'] ?? '', 'agents', 'bot.json');
  const policy = join(at.directory, 'policy.json');
  await writeFile(policy, POLICY);
  const { origin } = await serving((response) => response.destroy());
  const enrol = ['enrol', 'bot', '--signer', origin, '--policy', policy];
  expect(await errorOf(at, enrol)).toMatchObject({ code: 'command_lost' });
  const written = await readFile(file, 'utf8');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect(JSON.parse(written)).toEqual({
    url: expect.stringMatching(/\/rpc\/eip155:8453:0x[0-9a-f]{40}$/),
    key: { kty: 'OKP', crv: 'Ed25519', x: expect.any(String), d: expect.any(String) },
  });
  expect(await errorOf(at, enrol)).toMatchObject({ code: 'name_taken' });
  expect(await readFile(file, 'utf8')).toBe(written);
});

test('asks before it revokes every agent', async () => {
  const at = await place();
  const revoke = ['revoke', '--all', '--signer', 'http://127.0.0.1:1'];
  expect(await errorOf(at, revoke)).toMatchObject({
    code: 'usage',
    hint: expect.stringContaining('--yes'),
  });
});

test('calls nothing with the damaged file of an agent, and says how to replace its key', async () => {
  const at = await place();
  const { origin, seen } = await serving((response) => response.end());
  const agents = join(at.env['COUNTERSIGN_HOME'] ?? '', 'agents');

  await mkdir(agents, { recursive: true });
  await writeFile(join(agents, 'bot.json'), '{"url": 1}');
  const ran = await pipe(at, ['call', `${origin}/x`, '--as', 'bot', '--json']);
  expect(documentIn(ran)['error']).toMatchObject({ code: 'agent_damaged' });
  expect(seen).toEqual([]);
});
