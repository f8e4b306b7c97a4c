import { copyFile, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { mint } from '../../dev/stack/chain-access.ts';
import { type LocalSigner, startSigner } from '../../dev/stack/signer.ts';
import { agentKey, type PrivateAgentKey } from '../../src/client/agent-key.ts';
import { utf8 } from '../../src/crypto/bytes.ts';
import { signedHeaders } from '../../src/protocol/http-signature.ts';
import { useWorld } from '../conformance/support/world.ts';
import { documentIn, pipe } from './support/command.ts';
import { type Home, PASSWORD, useHome, withEnv } from './support/home.ts';
import { putStackFile } from './support/stack.ts';
import { untilDayLasts } from '../support/day.ts';

const world = useWorld();
const home = useHome();
const LOOKUP = '/tools/lookup?word=river';

let directory: string;
let signer: LocalSigner;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'countersign-signer-'));
  const { owner } = world().stack.description;
  signer = await startSigner({ persistTo: directory, owners: [owner.address] });
});
afterAll(async () => {
  await signer.stop();
  await rm(directory, { recursive: true, force: true });
});

let owner: Home;
beforeEach(async () => {
  owner = withEnv(await putStackFile(world(), home()), {
    COUNTERSIGN_PASSWORD: PASSWORD,
    COUNTERSIGN_SIGNER: signer.url,
  });
});

const own = async (...words: readonly string[]): Promise<Record<string, unknown>> => {
  const ran = await pipe(owner, ['signer', ...words, '--json', '--as', 'owner']);
  expect(ran.code, `${words.join(' ')}: ${ran.stdout}${ran.stderr}`).toBe(0);
  return documentIn(ran);
};

type Enrolled = { readonly agent: string; readonly address: `0x${string}`; readonly file: string };

const enrol = async (name: string, ...words: readonly string[]): Promise<readonly Enrolled[]> => {
  const policy = ['--per-call', '0.01', '--per-day', '0.05'];
  const { agents } = await own('enrol', name, ...policy, ...words);
  return agents as readonly Enrolled[];
};

/** Sets up an agent's machine: it has the agent's file and the gateway's address, but no wallet key. */
const machineOf = async (name: string): Promise<Home> => {
  const config = join(owner.directory, `of-${name}`);
  await mkdir(join(config, 'agents'), { recursive: true });
  await copyFile(join(owner.home, 'agents', `${name}.json`), join(config, 'agents/bot.json'));
  const { gateway } = world().stack.description;
  const { PATH = '', HOME = '' } = owner.env;
  const env = { PATH, HOME, COUNTERSIGN_HOME: config, COUNTERSIGN_GATEWAY: gateway };
  return { directory: config, home: config, env };
};

const call = async (machine: Home, path = LOOKUP, ...words: readonly string[]) => {
  const ran = await pipe(machine, ['call', path, '--as', 'bot', '--json', ...words]);
  return { code: ran.code, ...documentIn(ran) } as Record<string, unknown>;
};

const runs = async (tool: string): Promise<number> =>
  Number(Object.entries(await world().counts()).find(([name]) => name === tool)?.[1] ?? 0);

const TRANSLATE = ['-d', '{"text":"hello","to":"fr"}'] as const;

test('an agent without a wallet key pays within its policy until its owner revokes it', async () => {
  // The payments use up a daily limit, so the day must not end meanwhile.
  await untilDayLasts(60_000);
  const [bot] = await enrol('bot');
  if (bot === undefined) throw new Error('nothing was enrolled');
  await mint(world().client, bot.address.toLowerCase() as `0x${string}`, 1_000_000n);
  expect((await stat(bot.file)).mode & 0o777).toBe(0o600);
  expect(Object.keys(JSON.parse(await readFile(bot.file, 'utf8')) as object)).toEqual([
    ...['url', 'address', 'key'],
  ]);
  const machine = await machineOf('bot');

  expect(await call(machine)).toMatchObject({ code: 0, paid: 'payment', binding: 'intent' });

  const before = await runs('translate');
  expect(await call(machine, '/tools/translate', ...TRANSLATE)).toMatchObject({
    code: 5,
    error: { code: 'signer_refused', rule: 'per_signature' },
  });
  expect(await runs('translate')).toBe(before);

  await own('policy', 'bot', '--per-day', '0.002');
  expect(await call(machine)).toMatchObject({ code: 0, paid: 'payment' });
  expect(await call(machine)).toMatchObject({
    code: 5,
    error: {
      code: 'signer_refused',
      limit: { limit: '2000', spent: '2000', remaining: '0', resets_at: expect.any(Number) },
    },
  });
  const { agents } = await own('list');
  expect(agents).toMatchObject([
    { label: 'bot', status: 'active', spent: { lifetime: '2000' }, exposure: { day: '4000' } },
  ]);

  await own('policy', 'bot', '--per-day', '0.05', '--pause');
  expect(await call(machine)).toMatchObject({ code: 5, error: { rule: 'paused' } });
  await own('policy', 'bot', '--resume');
  expect(await call(machine)).toMatchObject({ code: 0 });

  expect(await own('revoke', 'bot', '--reason', 'laptop stolen')).toMatchObject({ changed: true });
  expect(await call(machine)).toMatchObject({ code: 5, error: { code: 'signer_refused' } });
});

test('a replaced key of an agent works for its wallet, and the old one no longer does', async () => {
  const [before] = await enrol('turner');
  const old = await machineOf('turner');
  const { file } = await own('rotate', 'turner');
  expect(file).toBe(before?.file);
  const address = async (machine: Home) => await call(machine, LOOKUP, '--dry-run');
  expect(await address(old)).toMatchObject({ error: { code: 'signer_refused' } });
  const { agents } = await own('list');
  const turner = (agents as readonly Record<string, unknown>[]).find(
    ({ label }) => label === 'turner',
  );
  expect(turner).toMatchObject({ address: before?.address.toLowerCase() });
  expect(turner?.['agent']).not.toBe(before?.agent);
  await own('revoke', 'turner');
});

test('a captured request is refused when it is sent again, or to the URL of another owner', async () => {
  const [bot] = await enrol('captured');
  const { url, key } = JSON.parse(await readFile(bot?.file ?? '', 'utf8')) as {
    url: string;
    key: PrivateAgentKey;
  };
  const body = utf8(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'eth_accounts', params: [] }));
  const request = { method: 'POST', targetUri: url, contentType: 'application/json', body };
  const now = Math.floor(Date.now() / 1000);
  const headers = { ...(await signedHeaders(request, await agentKey(key), now)) };
  const send = async (to: string, at: Record<string, string> = headers): Promise<unknown> => {
    const answer = await fetch(to, { method: 'POST', headers: at, body });
    return await answer.json();
  };
  const other = url.replace(
    /0x[0-9a-f]{40}$/,
    world().stack.description.agent.address.toLowerCase(),
  );
  const refused = (name: string) => ({
    error: { data: { type: `urn:countersign:problem:signer-${name}` } },
  });
  expect(await send(other)).toMatchObject(refused('unauthenticated'));
  expect(await send(url)).toMatchObject({ result: [bot?.address.toLowerCase()] });
  expect(await send(url)).toMatchObject(refused('replayed'));
  const late = { ...(await signedHeaders(request, await agentKey(key), now - 91)) };
  expect(await send(url, late)).toMatchObject(refused('unauthenticated'));
});

test('a hundred agents are enrolled with one signature, each with a wallet of its own', async () => {
  const agents = await enrol('crew', '--count', '100');
  expect(new Set(agents.map(({ address }) => address)).size).toBe(100);
  expect(new Set(agents.map(({ file }) => file)).size).toBe(100);
  const revoked = await own('revoke', '--all', '--yes');
  expect((revoked['agents'] as readonly string[]).length).toBeGreaterThanOrEqual(100);
  const stranger = await pipe(owner, ['signer', 'list', '--json', '--as', 'agent']);
  expect(stranger.code).not.toBe(0);
});

test('the log of the signer verifies offline, and an altered one does not', async () => {
  const [bot] = await enrol('logged');
  const machine = await machineOf('logged');
  expect(await call(machine, '/tools/translate', ...TRANSLATE)).toMatchObject({ code: 5 });
  const file = join(owner.directory, 'agents.ndjson');
  await own('export', '-o', file);
  const verify = async () => await pipe(owner, ['audit', 'verify', file, '--json']);
  expect(documentIn(await verify())).toMatchObject({ verdict: 'open', accounts: 1 });
  const text = await readFile(file, 'utf8');
  expect(text).toContain(bot?.address.toLowerCase());
  expect(text).toContain('signer.refused');
  await writeFile(file, text.replace('"signer.refused"', '"signer.signed"'));
  expect((await verify()).code).toBe(1);
});

test('the seed leaves the signer only encrypted to an age recipient', async () => {
  const { generateIdentity, identityToRecipient, Decrypter, armor } =
    await import('age-encryption');
  const identity = await generateIdentity();
  const file = join(owner.directory, 'seed.age');
  await own('seed');
  await own('backup', '--recipient', await identityToRecipient(identity), '-o', file);
  const armored = await readFile(file, 'utf8');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  const opened = JSON.parse(await decrypter.decrypt(armor.decode(armored), 'text')) as object;
  expect(opened).toMatchObject({ owner: expect.any(String), seed: expect.any(String) });
});
