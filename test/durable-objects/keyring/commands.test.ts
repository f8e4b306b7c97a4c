import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { Decrypter, generateX25519Identity, identityToRecipient, armor } from 'age-encryption';
import { HDKey } from '@scure/bip32';
import { bytesToHex, hexToBytes, type Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { describe, expect, it } from 'vitest';
import { agentKey } from '../../../src/client/agent-key.ts';
import { random32 } from '../../../src/core/hex.ts';
import { openDisk } from '../../../durable-objects/store/open-disk.ts';
import { SIGNER_ANSWERS } from '../../../src/protocol/signer/management.ts';
import {
  ask,
  askIntent,
  dataOf,
  enrolAgent,
  entriesOf,
  intentOf,
  newOwner,
  outcomeOf,
  POLICY,
  sendRequest,
  signedRequest,
} from './world.ts';

const statusOf = async (response: Promise<Response>) => (await response).status;
const typeOf = async (response: Promise<Response>) =>
  ((await (await response).json()) as { type: string }).type.replace(
    'urn:countersign:problem:',
    '',
  );

describe('an owner', () => {
  it('enrols agents, and learns what a stolen key could spend', async () => {
    const owner = newOwner();
    const [one, two] = [await agentKey(), await agentKey()];
    const body = { agents: [{ jwk: one.jwk, label: 'scout' }, { jwk: two.jwk }], policy: POLICY };
    const answer = SIGNER_ANSWERS['agents.enrol'].parse(await owner.command('agents.enrol', body));
    expect(answer.agents[0]).toMatchObject({
      agent: one.keyId,
      label: 'scout',
      key: 'fleet:1',
      status: 'active',
    });
    expect(answer.exposure).toEqual({
      each: { hour: '5000000', day: '5000000', month: '7500000' },
      all: { hour: '10000000', day: '10000000', month: '15000000' },
    });
    expect(answer.url).toBe(`https://signer.example/rpc/${owner.account}`);
    const listed = SIGNER_ANSWERS['agents.list'].parse(await owner.command('agents.list'));
    expect(listed.items.map(({ agent }) => agent)).toEqual([one.keyId, two.keyId]);
  });

  it('enrols all agents of a request or none, and no key twice', async () => {
    const owner = newOwner();
    const key = await agentKey();
    const twice = { agents: [{ jwk: key.jwk }, { jwk: key.jwk }], policy: POLICY };
    expect(await statusOf(owner.send('agents.enrol', twice))).toBe(400);
    expect(await owner.command('agents.list')).toEqual({ items: [] });
    const once = { agents: [{ jwk: key.jwk }], policy: POLICY };
    await owner.command('agents.enrol', once);
    await owner.command('agents.revoke', { agents: [key.keyId] });
    expect(await statusOf(owner.send('agents.enrol', once))).toBe(400);
  });

  it('revokes in one call, at once', async () => {
    const agent = await enrolAgent(newOwner());
    const answer = await agent.owner.command('agents.revoke', {
      agents: [agent.key.keyId],
      reason: 'stolen',
    });
    expect(SIGNER_ANSWERS['agents.revoke'].parse(answer)).toMatchObject({
      changed: true,
      agents: [agent.key.keyId],
    });
    expect(dataOf(await ask(agent, 'eth_accounts'))).toMatchObject({ fault: 'unknown_key' });
    const all = await agent.owner.command('agents.revoke', { agents: 'all' });
    expect(all).toEqual({ changed: false, agents: [] });
  });

  it('changes a policy from the next request on, and spending still counts', async () => {
    const agent = await enrolAgent(newOwner());
    expect(outcomeOf(await askIntent(agent, intentOf(agent)))).toMatch(/^0x/);
    const policy = { ...POLICY, windows: [{ every: 'day', limit: '$1.50' }] };
    await agent.owner.command('agents.policy', { agents: [agent.key.keyId], policy });
    expect(dataOf(await askIntent(agent, intentOf(agent)))).toMatchObject({
      rule: 'window',
      limit: { rule: 'window:day', spent: '1000000' },
    });
    const paused = { ...policy, status: 'paused' };
    await agent.owner.command('agents.policy', { agents: [agent.key.keyId], policy: paused });
    expect(dataOf(await askIntent(agent, intentOf(agent)))).toMatchObject({ rule: 'paused' });
  });

  it('replaces the key of an agent; its wallet stays, and the old key ends after the overlap', async () => {
    const agent = await enrolAgent(newOwner());
    const next = await agentKey();
    await agent.owner.command('agents.rotate', {
      agent: agent.key.keyId,
      jwk: next.jwk,
      overlap: 60,
    });
    expect(outcomeOf(await ask(agent, 'eth_accounts'))).toEqual([agent.address]);
    expect(outcomeOf(await ask({ ...agent, key: next }, 'eth_accounts'))).toEqual([agent.address]);
    const last = await agentKey();
    await agent.owner.command('agents.rotate', { agent: next.keyId, jwk: last.jwk });
    expect(dataOf(await ask({ ...agent, key: next }, 'eth_accounts'))).toMatchObject({
      fault: 'unknown_key',
    });
    expect(outcomeOf(await ask({ ...agent, key: last }, 'eth_accounts'))).toEqual([agent.address]);
  });

  it('gets no command applied twice', async () => {
    const owner = newOwner();
    const nonce = random32();
    const body = { agents: [{ jwk: (await agentKey()).jwk }], policy: POLICY };
    const change = { nonce, validAfter: 1_700_000_000n };
    // The signer rejects an intent whose window is too long.
    expect(await typeOf(owner.send('agents.enrol', body, change))).toBe('window-too-long');
    const now = BigInt(Math.floor(Date.now() / 1000));
    const timed = { nonce, validAfter: now, validBefore: now + 100n };
    expect(await statusOf(owner.send('agents.enrol', body, timed))).toBe(200);
    expect(await typeOf(owner.send('agents.enrol', body, timed))).toBe('already-used');
  });
});

describe('a command is refused', () => {
  it.each([
    ['tool', { tool: 'countersign.signer.agents.list' }],
    ['audience', { audience: 'https://gateway.example' }],
    ['target', { target: '/owners/x/agents' }],
    ['method', { method: 'PUT' }],
    ['contentType', { contentType: 'text/plain' }],
    ['payloadDigest', { payloadDigest: random32() }],
  ])('with another %s', async (field, change) => {
    const response = newOwner().send('agents.revoke', { agents: 'all' }, change);
    expect(await (await response).json()).toMatchObject({ field: `Agent-Intent.intent.${field}` });
  });

  it('from another key than that of the account, and from an owner that is not configured', async () => {
    const [owner, other] = [newOwner(), newOwner()];
    const agent = other.account.slice(-42) as Hex;
    expect(await typeOf(owner.send('agents.revoke', { agents: 'all' }, { agent }))).toBe(
      'forbidden',
    );
    const stranger = newOwner(random32());
    expect(await typeOf(stranger.send('agents.list'))).toBe('forbidden');
  });

  it('with a policy that limits no money, or a private key', async () => {
    const owner = newOwner();
    const { jwk } = await agentKey();
    const unlimited = { agents: [{ jwk }], policy: { ...POLICY, windows: [] } };
    expect(await typeOf(owner.send('agents.enrol', unlimited))).toBe('malformed-document');
    const leaked = { agents: [{ jwk: { ...jwk, d: jwk.x } }], policy: POLICY };
    expect(await typeOf(owner.send('agents.enrol', leaked))).toBe('malformed-document');
  });
});

describe('the fleet seed', () => {
  it('leaves only encrypted to an age recipient, and gives every wallet back', async () => {
    const agent = await enrolAgent(newOwner());
    const identity = await generateX25519Identity();
    const recipient = await identityToRecipient(identity);
    const { backup } = await agent.owner.command<{ backup: string }>('seed.backup', { recipient });
    const decrypter = new Decrypter();
    decrypter.addIdentity(identity);
    const text = await decrypter.decrypt(armor.decode(backup), 'text');
    const { path, seed } = JSON.parse(text) as { path: string; seed: Hex };
    const child = HDKey.fromMasterSeed(hexToBytes(seed)).derive(path.replace('<agent>', '1'));
    const restored = privateKeyToAccount(bytesToHex(child.privateKey ?? new Uint8Array()));
    expect(restored.address.toLowerCase()).toBe(agent.address);
    expect((await entriesOf(agent.owner)).at(-1)).toMatchObject({
      type: 'signer.exported',
      outcome: { recipient },
    });
  });

  it('is in no row of the object and no entry, in any spelling', async () => {
    const agent = await enrolAgent(newOwner());
    await askIntent(agent, intentOf(agent));
    const identity = await generateX25519Identity();
    const recipient = await identityToRecipient(identity);
    const { backup } = await agent.owner.command<{ backup: string }>('seed.backup', { recipient });
    const decrypter = new Decrypter();
    decrypter.addIdentity(identity);
    const { seed } = JSON.parse(await decrypter.decrypt(armor.decode(backup), 'text')) as {
      seed: Hex;
    };
    const child = HDKey.fromMasterSeed(hexToBytes(seed)).derive(`m/44'/60'/0'/0'/1'`);
    const stored = await runInDurableObject(agent.owner.stub(), (_, { storage }) => {
      openDisk(storage).check();
      const rows = storage.sql
        .exec('SELECT text FROM journal UNION ALL SELECT text FROM page')
        .toArray();
      return JSON.stringify(rows);
    });
    const all = stored + JSON.stringify(await entriesOf(agent.owner));
    for (const secret of [
      hexToBytes(seed),
      child.privateKey ?? new Uint8Array(),
      hexToBytes(seed).slice(0, 30),
    ]) {
      const forms = [...(['hex', 'base64', 'base64url'] as const)].map((form) =>
        Buffer.from(secret).toString(form).slice(0, 38),
      );
      for (const form of forms) expect(all.toLowerCase()).not.toContain(form.toLowerCase());
    }
  });

  it('is refused to a recipient with a typing error', async () => {
    const owner = newOwner();
    await owner.command('seed.make', {});
    const recipient = `age1${'q'.repeat(58)}`;
    expect(await statusOf(owner.send('seed.backup', { recipient }))).toBe(400);
  });

  it('is made once', async () => {
    const owner = newOwner();
    expect(await owner.command('seed.make', {})).toMatchObject({
      changed: true,
      fleet: 0,
      children: 0,
    });
    expect(await owner.command('seed.make', {})).toMatchObject({ changed: false });
  });

  it('gives each agent a wallet that survives the object', async () => {
    const agent = await enrolAgent(newOwner());
    const request = await signedRequest(agent.key, agent.owner.account, 'eth_accounts', []);
    await evictDurableObject(agent.owner.stub());
    expect(outcomeOf(await sendRequest(request))).toEqual([agent.address]);
    expect((await enrolAgent(agent.owner)).address).not.toBe(agent.address);
  });
});
