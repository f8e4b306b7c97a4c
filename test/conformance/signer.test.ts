import { HDKey } from '@scure/bip32';
import { armor, Decrypter, generateX25519Identity, identityToRecipient } from 'age-encryption';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { hexToBytes } from 'viem';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { ROOT } from '../../dev/root.ts';
import { mint } from '../../dev/stack/chain-access.ts';
import { createFakeAwsKms } from '../../dev/stack/fake-aws-kms.ts';
import { createFakeGoogleKms, createFakeServiceAccount } from '../../dev/stack/fake-google-kms.ts';
import type { FakeKmsKey } from '../../dev/stack/fake-kms-key.ts';
import { type RunningServer, serveLoopback } from '../../dev/stack/loopback.ts';
import { sendOwnerCommand } from '../../dev/stack/owner-command.ts';
import { people } from '../../dev/stack/people.ts';
import { type LocalSigner, startSigner } from '../../dev/stack/signer.ts';
import { GENESIS } from '../../src/audit/entry.ts';
import { signaturesOf } from '../support/verify-log.ts';
import { readLog, verifyRun } from '../../src/audit/run.ts';
import { agentKey } from '../../src/client/agent-key.ts';
import { createAgent, remoteAccount } from '../../src/client/index.ts';
import { intentTypedData } from '../../src/client/signer.ts';
import { nowSeconds } from '../../src/core/clock.ts';
import { type Address, type Hex, random32, ZERO_ADDRESS, ZERO_HASH } from '../../src/core/hex.ts';
import { plantedSettings } from '../support/planted-settings.ts';
import { mustSearch, plantKey, plantText, scanState } from '../support/secret-scan.ts';
import { useSharedWorld } from './support/world.ts';

const world = useSharedWorld();
const OWNER = people.owner.privateKey;
const AWS_CREDENTIALS = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: randomBytes(30).toString('base64'),
};
const AWS: FakeKmsKey = {
  name: 'arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab',
  privateKey: randomBytes(32),
};
const GOOGLE: FakeKmsKey = {
  name: 'projects/shop-prod/locations/europe-west1/keyRings/agents/cryptoKeys/a/cryptoKeyVersions/1',
  privateKey: randomBytes(32),
};

let directory: string;
let signer: LocalSigner;
let services: readonly RunningServer[] = [];
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'countersign-signer-'));
  const account = await createFakeServiceAccount();
  const fakes = [
    createFakeAwsKms({
      ...{ credentials: { ...AWS_CREDENTIALS, sessionToken: undefined }, region: 'eu-central-1' },
      keys: [AWS],
    }),
    createFakeGoogleKms({ account, keys: [GOOGLE] }),
  ];
  services = await Promise.all(
    fakes.map(async ({ handle }) => await serveLoopback({ handler: handle })),
  );
  signer = await startSigner({
    ...{ persistTo: directory, owners: [people.owner.address] },
    variables: {
      AWS_KMS_CREDENTIALS: JSON.stringify(AWS_CREDENTIALS),
      AWS_KMS_ENDPOINT: services[0]?.url ?? '',
      GOOGLE_KMS_CREDENTIALS: account.file,
      GOOGLE_KMS_ENDPOINT: services[1]?.url ?? '',
    },
  });
});
afterAll(async () => {
  await signer.stop();
  await Promise.all(services.map(async ({ stop }) => await stop()));
  await rm(directory, { recursive: true, force: true });
});

/** The private keys by which agents authenticate. */
const agentKeys: Uint8Array[] = [];

const enrol = async (reference?: string) => {
  const { audience, payTo, usdc, chainId } = world().stack.description;
  const jwk = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  agentKeys.push(Buffer.from(jwk.d ?? '', 'base64url'));
  const key = await agentKey(jwk);
  const policy = {
    audiences: [audience],
    tools: ['lookup'],
    payees: [payTo],
    assets: [`eip155:${chainId}/erc20:${usdc.toLowerCase()}`],
    perSignature: '$0.01',
    windows: [{ every: 'day', limit: '$0.05' }],
  };
  const body = {
    agents: [{ jwk: key.jwk, ...(reference !== undefined && { key: reference }) }],
    policy,
  };
  const { agents, url } = await sendOwnerCommand(signer.url, OWNER, 'agents.enrol', body);
  const address = agents[0]?.address as Address;
  await mint(world().client, address, 1_000_000n);
  const account = await remoteAccount({ url, key });
  return {
    address,
    account,
    agent: createAgent({ account, spend: { perCall: '$1', total: '$1' } }),
  };
};

/** The sequence number of the last entry in the signer's D1 database. */
const storedEntries = async (): Promise<number> => {
  const d1 = join(directory, 'state/v3/d1');
  const names = await readdir(d1, { recursive: true });
  const lasts = names
    .filter((name) => name.endsWith('.sqlite') && !name.includes('metadata'))
    .map((name) => {
      const database = new DatabaseSync(join(d1, name), { readOnly: true, timeout: 30_000 });
      const row = database.prepare('SELECT max(last_seq) AS last FROM chunks').get();
      database.close();
      return Number(row?.['last'] ?? 0);
    });
  return Math.max(0, ...lasts);
};

const entries = async () => await sendOwnerCommand(signer.url, OWNER, 'entries.list');

it('pays through the signer, before and after the signer was killed, and exports a log that verifies', async () => {
  const { agent, address } = await enrol();
  const lookup = world().stack.description.tools.find(({ id }) => id === 'lookup')?.url ?? '';
  const first = await agent.fetch(`${lookup}?word=river`);
  expect(first.status).toBe(200);
  expect(first.countersign).toMatchObject({ binding: 'intent', paid: 'payment' });

  await signer.kill();
  await signer.restart();
  const second = await agent.fetch(`${lookup}?word=well`);
  expect(second.status).toBe(200);

  const { items } = await entries();
  const read = readLog(items.map((entry) => JSON.stringify(entry)).join('\n'));
  if (!read.ok) throw new Error(JSON.stringify(read.error));
  expect(verifyRun(read.value, { after: GENESIS }).ok).toBe(true);
  expect(await signaturesOf(read.value)).toMatchObject({ verdict: 'proved', checked: 1 });
  const signed = read.value.filter(({ type }) => type === 'signer.signed');
  expect(signed.map(({ amounts }) => amounts?.['lifetime'])).toEqual(['1000', '2000']);
  expect(signed[0]?.call).toBe(first.countersign.call);
  expect(signed[0]?.outcome).toMatchObject({ address, typed: 'payment' });
}, 120_000);

it.each([AWS, GOOGLE])('pays with a key that a service holds: $name', async ({ name }) => {
  const { agent } = await enrol(name);
  const lookup = world().stack.description.tools.find(({ id }) => id === 'lookup')?.url ?? '';
  expect((await agent.fetch(`${lookup}?word=sea`)).status).toBe(200);
});

it('writes no seed, key, credential or signature to disk, in any form', async () => {
  const { account, address } = await enrol();
  const { chainId, usdc } = world().stack.description;
  const refused = account.signTypedData({
    domain: { name: 'USDC', version: '2', chainId, verifyingContract: usdc.toLowerCase() as Hex },
    types: { Permit: [{ name: 'spender', type: 'address' }] },
    primaryType: 'Permit',
    message: { spender: people.seller },
  });
  await expect(refused).rejects.toMatchObject({
    code: 'signer_refused',
    problem: { rule: 'permit' },
  });

  const identity = await generateX25519Identity();
  const recipient = await identityToRecipient(identity);
  const { backup } = await sendOwnerCommand(signer.url, OWNER, 'seed.backup', { recipient });
  const decrypter = new Decrypter();
  decrypter.addIdentity(identity);
  const { seed } = JSON.parse(await decrypter.decrypt(armor.decode(backup), 'text')) as {
    seed: Hex;
  };
  const { items } = await sendOwnerCommand(signer.url, OWNER, 'agents.list');
  const child = items.find((item) => item.address === address)?.key.replace('fleet:', '') ?? '';
  const derived = HDKey.fromMasterSeed(hexToBytes(seed)).derive(`m/44'/60'/0'/0'/${child}'`);

  const now = nowSeconds();
  const signature = await account.signTypedData(
    intentTypedData(
      {
        ...{ agent: address, audience: world().stack.description.audience, tool: 'lookup' },
        ...{ method: 'GET', target: '/', contentType: '', payloadDigest: ZERO_HASH },
        ...{ payTo: ZERO_ADDRESS, asset: ZERO_ADDRESS, maxAmount: 0n, authority: ZERO_HASH },
        ...{ validAfter: BigInt(now - 10), validBefore: BigInt(now + 100), nonce: random32() },
      },
      chainId,
    ),
  );
  expect(signature).toMatch(/^0x[0-9a-f]{130}$/);

  // The signer batches entries for ten seconds before it sends them to the queue.
  await vi.waitFor(
    async () =>
      expect(await storedEntries()).toBeGreaterThanOrEqual((await entries()).items.length),
    {
      timeout: 40_000,
      interval: 500,
    },
  );
  const settings = await plantedSettings(directory);
  expect(settings.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['SIGNER_KEY', 'AWS_KMS_CREDENTIALS', 'GOOGLE_KMS_CREDENTIALS']),
  );
  const planted = [
    ...settings,
    plantKey('the seed', hexToBytes(seed)),
    plantKey('a child key', derived.privateKey ?? new Uint8Array()),
    plantKey('a signature', hexToBytes(signature as Hex).subarray(0, 64)),
    ...agentKeys.map((key) => plantKey("an agent's key", key)),
    ...[AWS, GOOGLE].map(({ privateKey }) => plantKey('a key in a service', privateKey)),
    plantText('the identity of the backup', identity),
  ];
  expect(await scanState(directory, planted)).toEqual([]);
  await mustSearch(directory, address.slice(2));
  // The agents of this gateway pay through the signer, and the gateway stores none of these secrets either. The signer stores no signature,
  // but the gateway's entries of payments do.
  const others = planted.filter(({ name }) => name !== 'a signature');
  expect(await scanState(world().directory, others)).toEqual([]);
}, 60_000);

it('shares no binding with the gateway', async () => {
  const gateway = await readFile(join(ROOT, 'wrangler.toml'), 'utf8');
  const own = await readFile(join(ROOT, 'wrangler.signer.toml'), 'utf8');
  const named = (text: string): readonly string[] =>
    [
      ...text.matchAll(/^(?:name|queue|database_name|class_name|script_name|service) = "(.*)"$/gm),
    ].map(([, name = '']) => name);
  // Both files use the same binding name for the audit database, but name two databases.
  const shared = named(own).filter((name) => named(gateway).includes(name));
  expect(shared).toEqual([]);
  expect(`${gateway}${own}`).not.toMatch(/^(?:script_name|service) = /m);
});
