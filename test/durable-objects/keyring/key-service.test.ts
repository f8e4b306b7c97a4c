import { evictDurableObject } from 'cloudflare:test';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { awsFault, createFakeAwsKms } from '../../../dev/stack/fake-aws-kms.ts';
import { agentKey } from '../../../src/client/agent-key.ts';
import { verifyStrict } from '../../../src/crypto/verifier.ts';
import { intentDigest } from '../../../src/protocol/intent/agent-intent.ts';
import { AWS_CREDENTIALS } from '../../support/signer-owners.ts';
import { addressOf, AWS_NAME, keyOf } from '../../unit/signer/backends/key.ts';
import { CHAIN } from '../../unit/signer/fixture.ts';
import {
  type Agent,
  askIntent,
  askPayment,
  dataOf,
  entriesOf,
  intentOf,
  newOwner,
  outcomeOf,
  POLICY,
} from './world.ts';

const KEY = keyOf(AWS_NAME);

const world = () => {
  const fake = createFakeAwsKms({
    credentials: { ...AWS_CREDENTIALS, sessionToken: undefined },
    region: 'eu-central-1',
    keys: [KEY, keyOf(AWS_NAME.replace('1234abcd', '2345bcde'), 0x22)],
  });
  vi.stubGlobal(
    'fetch',
    async (input: string, init: RequestInit) => await fake.handle(new Request(input, init)),
  );
  return fake;
};
afterEach(() => vi.unstubAllGlobals());

const enrolKey = async (owner = newOwner()): Promise<Agent> => {
  const key = await agentKey();
  const body = { agents: [{ jwk: key.jwk, key: AWS_NAME }], policy: POLICY };
  const { agents } = await owner.command<{ agents: Agent[] }>('agents.enrol', body);
  const address = agents[0]?.address;
  if (address === undefined) throw new Error('no agent was enrolled');
  return { key, address, owner };
};
const spentOf = async ({ owner }: Agent) =>
  (await owner.command<{ items: { spent: { lifetime: string } }[] }>('agents.list')).items[0]?.spent
    .lifetime;

describe('a wallet key in a key service', () => {
  it('signs for the address that the service has, and a repeat gets the same bytes', async () => {
    const fake = world();
    const agent = await enrolKey();
    expect(agent.address).toBe(addressOf(KEY));
    const intent = intentOf(agent);
    const signature = String(outcomeOf(await askIntent(agent, intent)));
    expect(verifyStrict(agent.address, intentDigest(intent, CHAIN), signature).ok).toBe(true);
    await evictDurableObject(agent.owner.stub());
    expect(outcomeOf(await askIntent(agent, intent))).toBe(signature);
    expect(fake.answered.filter((action) => action.includes('Sign'))).toHaveLength(1);
  });

  it('is asked again for a slot that was reserved before a crash, and the money counts once', async () => {
    const fake = world();
    const agent = await enrolKey();
    const intent = intentOf(agent);
    for (let failed = 0; failed < 8; failed += 1)
      fake.answerNext(() => awsFault('KMSInternalException', 500));
    const first = await askPayment(agent, intent);
    expect(first.status).toBe(503);
    expect(dataOf(first)).toMatchObject({ fault: 'unavailable', retry_after: 5 });
    await evictDurableObject(agent.owner.stub());
    world();
    expect(outcomeOf(await askPayment(agent, intent))).toMatch(/^0x[0-9a-f]{130}$/);
    expect(await spentOf(agent)).toBe('1000000');
    expect((await entriesOf(agent.owner)).map(({ type }) => type)).toEqual([
      'signer.enrolled',
      'signer.signed',
      'signer.failed',
    ]);
  });

  it('is disabled when the service signs with another key', async () => {
    const fake = world();
    const agent = await enrolKey();
    fake.alterNext((members) => ({ ...members, KeyId: AWS_NAME.replace('1234abcd', '2345bcde') }));
    expect(outcomeOf(await askIntent(agent, intentOf(agent)))).toBe('key-refused');
    expect(dataOf(await askIntent(agent, intentOf(agent)))).toMatchObject({ fault: 'mismatch' });
    const { items } = await agent.owner.command<{ items: { status: string }[] }>('agents.list');
    expect(items[0]?.status).toBe('disabled');
  });

  it('has one policy: no second agent of the owner gets it', async () => {
    world();
    const { owner } = await enrolKey();
    const body = { agents: [{ jwk: (await agentKey()).jwk, key: AWS_NAME }], policy: POLICY };
    expect((await owner.send('agents.enrol', body)).status).toBe(400);
  });

  it('is not enrolled when the service does not know it', async () => {
    world();
    const key = AWS_NAME.replace('1234abcd', '9999abcd');
    const body = { agents: [{ jwk: (await agentKey()).jwk, key }], policy: POLICY };
    const response = await newOwner().send('agents.enrol', body);
    expect(await response.json()).toMatchObject({ field: 'body.agents[0].key' });
  });
});
