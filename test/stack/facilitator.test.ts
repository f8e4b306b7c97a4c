import type { Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Chain, startChain } from '../../dev/stack/chain.ts';
import { startFacilitator } from '../../dev/stack/facilitator.ts';
import {
  randomNonce,
  signAuthorization,
  signCancellation,
  submitAuthorization,
  submitCancellation,
} from '../../dev/stack/authorization.ts';
import { people, type Person } from '../../dev/stack/people.ts';
import type { RunningServer } from '../../dev/stack/loopback.ts';
import { usdc, usdcAbi } from '../../dev/stack/chain-access.ts';
import { BOUND_VALID_AFTER } from '../../src/protocol/intent/binding.ts';

type Version = 1 | 2;
type Settled = { success: boolean; transaction: Hex; errorReason?: string };

const sign = async (from: Person, value: bigint, nonce: Hex = randomNonce(), validAfter = 0n) =>
  await signAuthorization({
    account: privateKeyToAccount(from.privateKey),
    token: usdc,
    to: people.payTo,
    value,
    validAfter,
    validBefore: BigInt(Math.floor(Date.now() / 1000) + 600),
    nonce,
  });

const exchange = (signed: Awaited<ReturnType<typeof sign>>, version: Version) => {
  const network = version === 2 ? usdc.network : 'base-sepolia';
  const amount = String(signed.authorization.value);
  const fields = Object.entries(signed.authorization).map(([name, value]) => [name, String(value)]);
  const payload = { signature: signed.signature, authorization: Object.fromEntries(fields) };
  const common = {
    scheme: 'exact',
    network,
    asset: usdc.address,
    payTo: people.payTo,
    maxTimeoutSeconds: 600,
    extra: { name: usdc.name, version: usdc.version },
  };
  if (version === 2) {
    const accepted = { ...common, amount };
    return {
      x402Version: 2,
      paymentPayload: { x402Version: 2, payload, accepted },
      paymentRequirements: accepted,
    };
  }
  const resource = { resource: 'https://example.com/x', description: '', mimeType: 'text/plain' };
  return {
    x402Version: 1,
    paymentPayload: { x402Version: 1, scheme: 'exact', network, payload },
    paymentRequirements: { ...common, ...resource, maxAmountRequired: amount },
  };
};

describe('the facilitator', () => {
  let chain: Chain;
  let facilitator: RunningServer;
  beforeAll(async () => {
    chain = await startChain({});
    facilitator = await startFacilitator({ rpc: chain.rpc });
  });
  afterAll(async () => {
    await facilitator.stop();
    await chain.stop();
  });

  const post = async (path: string, body: unknown, url = facilitator.url): Promise<Response> =>
    await fetch(`${url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  const settle = async (body: unknown): Promise<Settled> =>
    (await (await post('/settle', body)).json()) as Settled;

  it.each([
    [1, 0n, 'plain'],
    [2, 0n, 'plain'],
    [1, BOUND_VALID_AFTER, 'marked as bound'],
    [2, BOUND_VALID_AFTER, 'marked as bound'],
    [2, BOUND_VALID_AFTER + 255n, 'marked with the last reserved value'],
  ] as const)(
    'settles a payment of x402 v%i with validAfter %i (%s) to the unit',
    async (version, validAfter, _) => {
      const signed = await sign(people.agent, 1234n, randomNonce(), validAfter);
      const agent = await chain.balanceOf(people.agent.address);
      const payee = await chain.balanceOf(people.payTo);
      const verified = await post('/verify', exchange(signed, version));
      expect(await verified.json()).toMatchObject({ isValid: true });

      const settled = await settle(exchange(signed, version));

      expect(settled).toMatchObject({ success: true });
      expect(await chain.balanceOf(people.agent.address)).toBe(agent - 1234n);
      expect(await chain.balanceOf(people.payTo)).toBe(payee + 1234n);
      const receipt = await chain.client.getTransactionReceipt({ hash: settled.transaction });
      expect(receipt.to).toBe(usdc.address);
      expect(receipt.from).toBe(people.facilitators[0].address.toLowerCase());
      expect(receipt.logs).toHaveLength(2);
    },
  );

  it('settles an authorization only once', async () => {
    const body = exchange(await sign(people.agent, 5n), 2);
    const before = await chain.balanceOf(people.payTo);
    expect(await settle(body)).toMatchObject({ success: true });
    expect(await settle(body)).toMatchObject({
      success: false,
      errorReason: 'invalid_exact_evm_nonce_already_used',
    });
    expect(await chain.balanceOf(people.payTo)).toBe(before + 5n);
  });

  it('settles forty concurrent payments', async () => {
    const before = await chain.balanceOf(people.payTo);
    const payers = [1, 2, 3, 4, 5].flatMap(() => people.agents);
    const bodies = await Promise.all(
      payers.map(async (payer) => exchange(await sign(payer, 7n), 2)),
    );
    const results = await Promise.all(bodies.map(settle));
    expect(results.filter(({ success }) => !success)).toEqual([]);
    expect(await chain.balanceOf(people.payTo)).toBe(before + 280n);
  });

  it('rejects bodies that are no payment or too long', async () => {
    const { paymentPayload } = exchange(await sign(people.agent, 1n), 2);
    const { paymentRequirements } = exchange(await sign(people.agent, 1n), 1);
    expect((await post('/settle', '{"')).status).toBe(400);
    expect((await post('/settle', {})).status).toBe(400);
    expect((await post('/verify', { paymentPayload, paymentRequirements })).status).toBe(400);
    expect((await post('/settle', 'x'.repeat(70_000))).status).toBe(413);
  });

  it('lets a wrapper answer with a failure after a settlement', async () => {
    const lying = await startFacilitator({
      rpc: chain.rpc,
      key: people.facilitators[1].privateKey,
      wrap: (real) => async (request) => {
        await real(request);
        return new Response('out of order', { status: 500 });
      },
    });
    const before = await chain.balanceOf(people.payTo);
    const answer = await post('/settle', exchange(await sign(people.agent, 9n), 2), lying.url);
    expect(answer.status).toBe(500);
    expect(await chain.balanceOf(people.payTo)).toBe(before + 9n);
    await lying.stop();
  });

  it('rejects authorizations that another sender presented or that were cancelled', async () => {
    const sender = privateKeyToAccount(people.facilitators[2].privateKey);
    const { client } = chain;
    const taken = await sign(people.agents[0], 11n);
    await submitAuthorization({ client, sender, token: usdc, signed: taken });

    const cancelled = await sign(people.agents[0], 11n);
    const { nonce, from: authorizer } = cancelled.authorization;
    const account = privateKeyToAccount(people.agents[0].privateKey);
    const signature = await signCancellation({ account, token: usdc, nonce });
    await submitCancellation({ client, sender, token: usdc, authorizer, nonce, signature });

    for (const signed of [taken, cancelled]) {
      expect(await settle(exchange(signed, 2))).toMatchObject({ success: false });
      const used = await client.readContract({
        address: usdc.address,
        abi: usdcAbi,
        functionName: 'authorizationState',
        args: [authorizer, signed.authorization.nonce],
      });
      expect(used).toBe(true);
    }
  });

  it('lists its supported schemes', async () => {
    const answer = (await (await fetch(`${facilitator.url}/supported`)).json()) as {
      kinds: { x402Version: number; network: string }[];
    };
    const kinds = answer.kinds.map(({ x402Version, network }) => `${x402Version} ${network}`);
    expect(kinds).toContain('2 eip155:84532');
    expect(kinds).toContain('1 base-sepolia');
  });
});
