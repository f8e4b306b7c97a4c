import { evictDurableObject, runInDurableObject } from 'cloudflare:test';
import { hashTypedData, recoverTypedDataAddress } from 'viem';
import { describe, expect, it } from 'vitest';
import { openDisk } from '../../../durable-objects/store/open-disk.ts';
import { agentKey } from '../../../src/client/agent-key.ts';
import { nowSeconds } from '../../../src/core/clock.ts';
import {
  approvalData,
  FACILITATOR,
  intentData,
  intentParams,
  paymentData,
  paymentOf,
  paymentParams,
  permitData,
  STRANGER,
  withIntent,
} from '../../unit/signer/fixture.ts';
import {
  ask,
  askIntent,
  askPayment,
  dataOf,
  enrolAgent,
  entriesOf,
  intentOf,
  newOwner,
  ORIGIN,
  outcomeOf,
  POLICY,
  sendRequest,
  signedRequest,
} from './world.ts';

type Data = Parameters<typeof recoverTypedDataAddress>[0];
const signerOf = (data: unknown, signature: unknown) =>
  recoverTypedDataAddress({ ...(data as object), signature } as Data).then((address) =>
    address.toLowerCase(),
  );
const lifetimeOf = async (agent: Awaited<ReturnType<typeof enrolAgent>>) => {
  const { items } = await agent.owner.command<{ items: { spent: { lifetime: string } }[] }>(
    'agents.list',
  );
  return items[0]?.spent.lifetime;
};

describe('an enrolled agent', () => {
  it('learns its address, and gets its intents and payments signed by it', async () => {
    const agent = await enrolAgent(newOwner());
    expect(outcomeOf(await ask(agent, 'eth_accounts'))).toEqual([agent.address]);
    const intent = intentOf(agent);
    const signed = await askIntent(agent, intent);
    expect(await signerOf(intentData(intent), outcomeOf(signed))).toBe(agent.address);
    const paid = await askPayment(agent, intent);
    const payment = paymentData({ ...paymentOf(intent), validBefore: intent.validBefore + 300n });
    expect(await signerOf(payment, outcomeOf(paid))).toBe(agent.address);
    expect(await lifetimeOf(agent)).toBe('1000000');
  });

  it('gets the same signature for the same typed data, after a crash too, and spends nothing', async () => {
    const agent = await enrolAgent(newOwner());
    const intent = intentOf(agent);
    const first = outcomeOf(await askPayment(agent, intent));
    await evictDurableObject(agent.owner.stub());
    expect(outcomeOf(await askPayment(agent, intent))).toBe(first);
    expect(await lifetimeOf(agent)).toBe('1000000');
    const signed = (await entriesOf(agent.owner)).filter(({ type }) => type === 'signer.signed');
    expect(signed).toHaveLength(1);
  });

  it('is stopped at its window, however its requests interleave', async () => {
    const agent = await enrolAgent(newOwner());
    const sent = await Promise.all(
      Array.from({ length: 8 }, () => askPayment(agent, intentOf(agent))),
    );
    const outcomes = sent
      .map(outcomeOf)
      .map((outcome) => (outcome === 'denied' ? outcome : 'signed'));
    expect(outcomes.filter((outcome) => outcome === 'signed')).toHaveLength(2);
    expect(outcomes.filter((outcome) => outcome === 'denied')).toHaveLength(6);
    const denied = sent.map(dataOf).find((data) => data !== undefined);
    expect(denied).toMatchObject({
      rule: 'window',
      limit: { rule: 'window:month', limit: '2500000', spent: '2000000', remaining: '500000' },
    });
    expect(denied?.retry_after).toBeGreaterThan(0);
    expect(await lifetimeOf(agent)).toBe('2000000');
  });

  it('is refused an address that is not its own', async () => {
    const agent = await enrolAgent(newOwner());
    const [, data] = intentParams(intentOf(agent));
    const sent = await ask(agent, 'eth_signTypedData_v4', STRANGER, data);
    expect(dataOf(sent)).toMatchObject({ rule: 'address', field: 'params[0]' });
  });
});

describe('a payment by upto', () => {
  it('gets its permit and its approval signed for one amount, and both are logged', async () => {
    const agent = await enrolAgent(newOwner());
    const intent = intentOf(agent);
    for (const data of [permitData(intent), approvalData(intent)]) {
      const sent = await ask(agent, 'eth_signTypedData_v4', ...withIntent(intent, data));
      expect(await signerOf(data, outcomeOf(sent))).toBe(agent.address);
    }
    expect(await lifetimeOf(agent)).toBe('1000000');
    const signed = (await entriesOf(agent.owner)).filter(({ type }) => type === 'signer.signed');
    expect(signed).toMatchObject([
      { outcome: { typed: 'payment', facilitator: FACILITATOR }, amounts: { amount: '1000000' } },
      { outcome: { typed: 'approval', approval: { value: '1000000' } }, amounts: { amount: '0' } },
    ]);
  });

  it('is refused an unlimited allowance', async () => {
    const agent = await enrolAgent(newOwner());
    const intent = intentOf(agent);
    const data = approvalData(intent);
    const value = ((1n << 256n) - 1n).toString();
    const unlimited = { ...data, message: { ...data.message, value } };
    const sent = await ask(agent, 'eth_signTypedData_v4', ...withIntent(intent, unlimited));
    expect(dataOf(sent)).toMatchObject({ rule: 'binding', field: 'approval.value' });
  });
});

describe('what the signer never signs', () => {
  it('refuses an injected permit by name, and logs who was to get it', async () => {
    const agent = await enrolAgent(newOwner());
    const data = approvalData(intentOf(agent));
    const permit = {
      ...data,
      message: {
        ...data.message,
        spender: STRANGER,
        value: '115792089237316195423570985008687907853',
        deadline: '9999999999',
      },
    };
    const sent = await ask(agent, 'eth_signTypedData_v4', agent.address, permit);
    expect(outcomeOf(sent)).toBe('unsupported-data');
    expect(dataOf(sent)).toMatchObject({ rule: 'permit' });
    const refused = (await entriesOf(agent.owner)).find(({ type }) => type === 'signer.refused');
    expect(refused).toMatchObject({
      rule: 'permit',
      outcome: { agent: agent.key.keyId, primaryType: 'Permit', message: { spender: STRANGER } },
    });
  });

  it.each([
    'personal_sign',
    'eth_sign',
    'eth_sendTransaction',
    'eth_signTransaction',
    'wallet_signAuthorization',
    'eth_signTypedData',
  ])('has no method %s', async (method) => {
    const agent = await enrolAgent(newOwner());
    expect(outcomeOf(await ask(agent, method, agent.address, '0x00'))).toBe('unsupported-method');
    expect((await entriesOf(agent.owner)).at(-1)).toMatchObject({
      type: 'signer.refused',
      rule: 'unsupported_method',
    });
  });
});

describe('a captured request', () => {
  it('is refused when it is sent again, by any of ten at once', async () => {
    const agent = await enrolAgent(newOwner());
    const request = await signedRequest(
      agent.key,
      agent.owner.account,
      'eth_signTypedData_v4',
      intentParams(intentOf(agent)),
    );
    const sent = await Promise.all(
      Array.from({ length: 10 }, () => sendRequest(request.clone() as Request)),
    );
    expect(sent.filter((one) => outcomeOf(one) === 'replayed')).toHaveLength(9);
    expect(sent.filter(({ status }) => status === 401)).toHaveLength(9);
  });

  it('is refused after the object was evicted in between', async () => {
    const agent = await enrolAgent(newOwner());
    const request = await signedRequest(agent.key, agent.owner.account, 'eth_accounts', []);
    expect(outcomeOf(await sendRequest(request.clone() as Request))).toEqual([agent.address]);
    await evictDurableObject(agent.owner.stub());
    expect(outcomeOf(await sendRequest(request))).toBe('replayed');
  });

  it('is refused at another URL, late, and with another body', async () => {
    const [agent, other] = [await enrolAgent(newOwner()), await enrolAgent(newOwner())];
    const request = await signedRequest(agent.key, agent.owner.account, 'eth_accounts', []);
    const { headers } = request;
    const moved = new Request(`${ORIGIN}/rpc/${other.owner.account}`, {
      method: 'POST',
      headers,
      body: await request.clone().text(),
    });
    expect(dataOf(await sendRequest(moved))).toMatchObject({ fault: 'unknown_key' });
    const turned = new Request(`${request.url}?x=1`, {
      method: 'POST',
      headers,
      body: await request.clone().text(),
    });
    expect(dataOf(await sendRequest(turned))).toMatchObject({ fault: 'invalid_signature' });
    const changed = new Request(request.url, {
      method: 'POST',
      headers,
      body: '{"jsonrpc":"2.0","id":1,"method":"eth_accounts"}',
    });
    expect(dataOf(await sendRequest(changed))).toMatchObject({ fault: 'digest_mismatch' });
    const late = await signedRequest(
      agent.key,
      agent.owner.account,
      'eth_accounts',
      [],
      nowSeconds() - 91,
    );
    expect(dataOf(await sendRequest(late))).toMatchObject({ fault: 'untimely' });
  });
});

describe('law 12: a stranger', () => {
  it('writes nothing into the object of an owner, and wakes none without an owner', async () => {
    const owner = newOwner();
    const key = await agentKey();
    const request = await signedRequest(key, owner.account, 'eth_accounts', []);
    expect(dataOf(await sendRequest(request))).toMatchObject({ fault: 'unknown_key' });
    const exists = await runInDurableObject(owner.stub(), (_, { storage }) =>
      openDisk(storage).exists(),
    );
    expect(exists).toBe(false);
    const nobody = await signedRequest(key, `eip155:1:${STRANGER}`, 'eth_accounts', []);
    expect(dataOf(await sendRequest(nobody))).toMatchObject({
      fault: 'unknown_key',
      field: 'path',
    });
  });

  it('gets a JSON-RPC answer to garbage', async () => {
    const agent = await enrolAgent(newOwner());
    const url = `${ORIGIN}/rpc/${agent.owner.account}`;
    const plain = await sendRequest(new Request(url, { method: 'POST', body: '{}' }));
    expect(plain.status).toBe(401);
    const large = await signedRequest(agent.key, agent.owner.account, 'eth_accounts', [
      'x'.repeat(40_000),
    ]);
    expect(await sendRequest(large)).toMatchObject({ status: 413 });
  });
});

describe('a payment', () => {
  it('is refused without its intent, and with a second one for the same intent', async () => {
    const agent = await enrolAgent(newOwner());
    const intent = intentOf(agent);
    const [address, data] = paymentParams(intent);
    expect(dataOf(await ask(agent, 'eth_signTypedData_v4', address, data))).toMatchObject({
      field: 'params[2]',
    });
    expect(outcomeOf(await askPayment(agent, intent))).toMatch(/^0x/);
    expect(outcomeOf(await askPayment(agent, intent, { value: 1n }))).toBe('already-paid');
  });

  it('above the amount of a person is refused with a name of its own', async () => {
    const agent = await enrolAgent(newOwner(), { ...POLICY, approveAbove: '$0.50' });
    expect(outcomeOf(await askPayment(agent, intentOf(agent)))).toBe('approval-required');
  });
});

describe('the log', () => {
  it('names the fields and the digest of what was signed, and never the signature', async () => {
    const agent = await enrolAgent(newOwner());
    const intent = intentOf(agent);
    const signature = String(outcomeOf(await askPayment(agent, intent)));
    const entries = await entriesOf(agent.owner);
    const payment = paymentData({ ...paymentOf(intent), validBefore: intent.validBefore + 300n });
    expect(entries.at(-1)).toMatchObject({
      type: 'signer.signed',
      call: paymentOf(intent).nonce,
      tool: 'search',
      amounts: { amount: '1000000', lifetime: '1000000' },
      outcome: {
        address: agent.address,
        typed: 'payment',
        digest: hashTypedData(payment as unknown as Parameters<typeof hashTypedData>[0]),
        authorization: { value: '1000000' },
      },
    });
    expect(JSON.stringify(entries)).not.toContain(signature.slice(2, 130));
  });
});
