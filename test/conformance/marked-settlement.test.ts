import { type Address, type Hex, type LocalAccount, parseEther } from 'viem';
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { beforeAll, describe, expect, it } from 'vitest';
import { people } from '../../dev/stack/people.ts';
import { usdc, usdcAbi } from '../../dev/stack/chain-access.ts';
import vectors from '../vectors/countersign-v1.json' with { type: 'json' };
import { bind, bound } from './support/bound.ts';
import { accountOf } from './support/credit.ts';
import { agentIntent, signIntent } from './support/intent.ts';
import { fundedAccount, type Payment, settled, sign, v2 } from './support/payment.ts';
import { report, translate, useWorld, type World } from './support/world.ts';

/** The transaction that used the nonce of a payment. */
const settlementOf = async ({ client }: World, { payload }: Payment) => {
  const [used] = await client.getContractEvents({
    address: usdc.address,
    abi: usdcAbi,
    eventName: 'AuthorizationUsed',
    args: {
      authorizer: payload.authorization.from as Address,
      nonce: payload.authorization.nonce as Hex,
    },
    fromBlock: 0n,
    strict: true,
  });
  if (used === undefined) throw new Error('the nonce is unused');
  return await client.getTransaction({ hash: used.transactionHash });
};

describe('the official facilitator', () => {
  const world = useWorld();

  it('settles bound payments with their mark, upfront and deferred', async () => {
    const account = await fundedAccount(world(), 1_000_000n);
    for (const call of [report, translate]) {
      const payment = await bind(world(), account, call);
      expect(payment.payload.authorization.validAfter).toBe(vectors.boundValidAfter);
      expect((await world().send(call, bound(payment))).status).toBe(200);
      await settled(world(), payment);
      const { from, to, input } = await settlementOf(world(), payment);
      expect([from, to]).toEqual([people.facilitators[0].address.toLowerCase(), usdc.address]);
      // USDC's overload with v, r and s: `validAfter` is its fourth argument, one 32-byte word each.
      expect(BigInt(`0x${input.slice(10 + 3 * 64, 10 + 4 * 64)}`).toString()).toBe(
        vectors.boundValidAfter,
      );
    }
  });
});

describe('a facilitator that rejects the mark, with a relayer behind it', () => {
  const relayerKey = generatePrivateKey();
  const relayer = privateKeyToAccount(relayerKey);
  const rejected: string[] = [];
  const world = useWorld({
    variables: {
      RELAYERS: JSON.stringify({
        [usdc.network]: { addresses: [relayer.address], first: false, wait: 0 },
      }),
      RELAYER_KEY: relayerKey,
      WEBHOOK_LOCAL: 'true',
    },
    wrapFacilitator: (real) => async (request) => {
      if (!request.url.endsWith('/settle')) return await real(request);
      const text = await request.clone().text();
      if (!text.includes(`"validAfter":"${vectors.boundValidAfter}"`)) return await real(request);
      rejected.push(text);
      return Response.json({
        success: false,
        errorReason: 'invalid_exact_evm_payload_authorization_valid_after',
        transaction: '',
        network: usdc.network,
      });
    },
  });
  let account: LocalAccount;
  beforeAll(async () => {
    await world().client.setBalance({ address: relayer.address, value: parseEther('1') });
    account = await fundedAccount(world(), 1_000_000n);
    // The gateway stores alerts for accounts that have a log. Its own account gets a log with its first document.
    const call = {
      path: '/admin/webhooks/ops',
      method: 'PUT',
      body: JSON.stringify({ url: 'http://127.0.0.1:9/', events: ['backend'] }),
      contentType: 'application/json',
    };
    const operator = privateKeyToAccount(people.operator.privateKey);
    const tool = 'countersign.admin.webhooks.put';
    const signed = await signIntent(world(), operator, call, { tool });
    const answer = await world().send(call, agentIntent(signed));
    if (answer.status !== 200) throw new Error(await answer.text());
  });

  it.each([
    ['upfront', report],
    ['deferred', translate],
  ])('is passed over: the relayer settles the payment (%s)', async (_, call) => {
    const before = rejected.length;
    const payment = await bind(world(), account, call);
    const answer = await world().send(call, bound(payment));
    expect(answer.status, await answer.text()).toBe(200);
    await settled(world(), payment);
    expect(rejected.length).toBe(before + 1);
    const { from, input } = await settlementOf(world(), payment);
    expect(from).toBe(relayer.address.toLowerCase());
    const mark = BigInt(vectors.boundValidAfter).toString(16).padStart(64, '0');
    expect(input).toContain(mark);
  });

  // Runs before a third bound payment, because three faults in a row open the facilitator's circuit breaker.
  it('still settles unmarked payments', async () => {
    const payment = await sign(world(), account, report);
    expect((await world().send(report, v2(payment))).status).toBe(200);
    const { from } = await settlementOf(world(), payment);
    expect(from).toBe(people.facilitators[0].address.toLowerCase());
  });

  it('causes no debt, and later calls of the payer are served', async () => {
    const own = await bind(world(), account, translate);
    const answer = await world().send(translate, bound(own));
    expect(answer.status, await answer.text()).toBe(200);
    const entries = await world().audit.entries(accountOf(account.address));
    expect(entries.map(({ type }) => type)).not.toContain('payment.failed');
    expect(entries.filter(({ rule }) => rule === 'debt')).toEqual([]);
  });

  it('raises one alert of the gateway', async () => {
    const alerts = async () =>
      (await world().audit.entries(accountOf(world().payTo))).filter(
        ({ type, rule }) => type === 'alert.raised' && rule === 'backend',
      );
    await expect
      .poll(async () => (await alerts()).length, { timeout: 30_000, interval: 300 })
      .toBe(1);
    expect((await alerts())[0]).toMatchObject({
      outcome: {
        network: usdc.network,
        backend: new URL(world().stack.description.facilitator).host,
        kind: 'rejects_bound',
        error: 'invalid_exact_evm_payload_authorization_valid_after',
      },
    });
  });
});
