import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { parseEther } from 'viem';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { relayerVariables } from '../../dev/stack/gateway-variables.ts';
import { people } from '../../dev/stack/people.ts';
import { usdc, usdcAbi, usdcBalance } from '../../dev/stack/chain-access.ts';
import { type Shop, startShop1, startShop2 } from '../client/support/x402-servers.ts';
import vectors from '../vectors/countersign-v1.json' with { type: 'json' };
import { newer, older } from './support/official.ts';
import { fundedAccount, isUsed, newAccount, type Payment } from './support/payment.ts';
import { body1, body2, postTo, signForSeller } from './support/seller.ts';
import { useWorld, type World } from './support/world.ts';

const relayer = people.relayer.address;
const pause = async (milliseconds: number) =>
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
const world = useWorld({ variables: relayerVariables(people.relayer) });

const get = async (path: string) => await fetch(world().stack.description.gateway + path);

/** The transactions that moved money to the seller since a block, one per payment. */
const transactionsSince = async ({ client }: World, block: bigint) =>
  (
    await client.getContractEvents({
      address: usdc.address,
      abi: usdcAbi,
      eventName: 'Transfer',
      args: { to: people.seller },
      fromBlock: block,
      strict: true,
    })
  ).map(({ transactionHash }) => transactionHash);

describe('a stock server whose facilitator is the gateway', () => {
  const shops: Shop[] = [];
  beforeAll(async () => {
    const options = {
      facilitator: `${world().stack.description.gateway}/facilitator`,
      payTo: people.seller,
    };
    shops.push(await startShop1(options), await startShop2(options));
  });
  afterAll(async () => {
    await Promise.all(shops.map(async ({ stop }) => await stop()));
  });

  it.each([
    ['@x402/hono to @x402/fetch (v2)', 1, newer, 20_000n],
    ['x402-hono to x402-fetch (v1)', 0, older, 30_000n],
  ] as const)('sells unchanged: %s', async (_, at, payWith, price) => {
    const account = await fundedAccount(world(), 1_000_000n);
    const before = await usdcBalance(world().client, people.seller);
    const answer = await payWith(account)(`${shops[at]?.url}/goods`);
    expect(answer.status, await answer.clone().text()).toBe(200);
    expect(await answer.json()).toMatchObject({ method: 'GET' });
    expect(await usdcBalance(world().client, people.seller)).toBe(before + price);
    const header =
      answer.headers.get('PAYMENT-RESPONSE') ?? answer.headers.get('X-PAYMENT-RESPONSE');
    const settled = JSON.parse(Buffer.from(header ?? '', 'base64').toString());
    expect(settled).toMatchObject({ success: true, payer: account.address.toLowerCase() });
    const { from } = await world().client.getTransaction({ hash: settled.transaction });
    expect(from).toBe(relayer.toLowerCase());
  });

  it('serves one of many copies of a payment', async () => {
    const account = await fundedAccount(world(), 1_000_000n);
    const { payload } = await signForSeller(account, { value: 20_000n });
    const offer = await fetch(`${shops[1]?.url}/goods`);
    const offered = JSON.parse(
      Buffer.from(offer.headers.get('PAYMENT-REQUIRED') ?? '', 'base64').toString(),
    );
    const [accepted] = offered.accepts;
    const payment = { x402Version: 2, resource: offered.resource, accepted, payload };
    const headers = {
      'PAYMENT-SIGNATURE': Buffer.from(JSON.stringify(payment)).toString('base64'),
    };
    const answers = await Promise.all(
      Array.from({ length: 6 }, async () => await fetch(`${shops[1]?.url}/goods`, { headers })),
    );
    const served = answers.filter(({ status }) => status === 200);
    expect([served.length, answers.filter(({ status }) => status === 402).length]).toEqual([1, 5]);
    expect(await usdcBalance(world().client, account.address)).toBe(980_000n);
  });

  it('does not sell to a payer without funds', async () => {
    const answer = await newer(newAccount())(`${shops[1]?.url}/goods`);
    expect(answer.status).toBe(402);
  });
});

describe('settlements', () => {
  it.each([
    ['v1', body1, 'base-sepolia'],
    ['v2', body2, usdc.network],
  ] as const)(
    'are verified, settled, and repeated without a second success (%s)',
    async (_, bodyOf, network) => {
      const account = await fundedAccount(world(), 10_000n);
      const body = bodyOf(await signForSeller(account));
      const payer = account.address.toLowerCase();
      expect(await postTo(world(), 'verify', body)).toEqual({
        status: 200,
        json: { isValid: true, payer },
      });
      const first = await postTo(world(), 'settle', body);
      expect(first).toMatchObject({
        status: 200,
        json: { success: true, payer, network, amount: '10000', extra: { status: 'settled' } },
      });
      // The payer has spent its last unit, and the nonce is used.
      expect(await postTo(world(), 'settle', body)).toMatchObject({
        status: 200,
        json: {
          ...first.json,
          success: false,
          errorReason: 'invalid_exact_evm_nonce_already_used',
        },
      });
      expect((await postTo(world(), 'verify', body)).json).toMatchObject({
        isValid: false,
        invalidReason: 'invalid_exact_evm_nonce_already_used',
      });
    },
  );

  it('of many payments at once share transactions', async () => {
    const account = await fundedAccount(world(), 1_000_000n);
    const payments = await Promise.all(Array.from({ length: 20 }, () => signForSeller(account)));
    const block = (await world().client.getBlockNumber()) + 1n;
    const answers = await Promise.all(
      payments.map(async (one) => await postTo(world(), 'settle', body2(one))),
    );
    expect(answers.map(({ json }) => json['success'])).toEqual(payments.map(() => true));
    const transactions = await transactionsSince(world(), block);
    expect(transactions).toHaveLength(20);
    expect(new Set(transactions).size).toBeLessThan(20);
    expect(new Set(answers.map(({ json }) => json['transaction']))).toEqual(new Set(transactions));
  });

  it('of one payment at once move the money once, and one of them succeeds', async () => {
    const account = await fundedAccount(world(), 1_000_000n);
    const body = body2(await signForSeller(account));
    const answers = await Promise.all(
      Array.from({ length: 4 }, async () => await postTo(world(), 'settle', body)),
    );
    expect(answers.filter(({ json }) => json['success']).length).toBe(1);
    expect(new Set(answers.map(({ json }) => json['transaction'])).size).toBe(1);
    expect(await usdcBalance(world().client, account.address)).toBe(990_000n);
  });

  it('of a server succeed although a stranger posts the payment as soon as the chain shows it', async () => {
    for (let round = 0; round < 12; round += 1) {
      const account = await fundedAccount(world(), 10_000n);
      const payment = await signForSeller(account);
      let isOver = false;
      // The relayer's transaction reveals the authorization and its signature.
      const stranger = async () => {
        const answers: unknown[] = [];
        while (!isOver && !(await isUsed(world(), payment))) await pause(20);
        const copy = body2({
          ...payment,
          accepted: { ...payment.accepted, maxTimeoutSeconds: 60 },
        });
        while (!isOver) answers.push((await postTo(world(), 'settle', copy)).json['success']);
        return answers;
      };
      const copies = stranger();
      const { json } = await postTo(world(), 'settle', body2(payment));
      isOver = true;
      expect([round, json['success']]).toEqual([round, true]);
      expect(await copies).not.toContain(true);
    }
  });

  it('find a payment that another sender has settled', async () => {
    const account = await fundedAccount(world(), 10_000n);
    const payment = await signForSeller(account);
    const hash = await submit(world(), payment);
    expect((await postTo(world(), 'settle', body2(payment))).json).toMatchObject({
      success: true,
      transaction: hash,
    });
  });
});

/** Sends the payment to the token contract, as anyone who has seen it can. */
const submit = async ({ client }: World, { payload }: Payment) => {
  const { from, to, value, validAfter, validBefore, nonce } = payload.authorization;
  const sender = privateKeyToAccount(generatePrivateKey());
  await client.setBalance({ address: sender.address, value: parseEther('1') });
  const hash = await client.writeContract({
    account: sender,
    address: usdc.address,
    abi: usdcAbi,
    functionName: 'transferWithAuthorization',
    args: [
      from as `0x${string}`,
      to as `0x${string}`,
      BigInt(value),
      BigInt(validAfter),
      BigInt(validBefore),
      nonce as `0x${string}`,
      payload.signature,
    ],
  });
  await client.waitForTransactionReceipt({ hash });
  return hash;
};

describe('an outcome that is not known', () => {
  it('is settlement_pending while no node answers, and success afterwards', async () => {
    const account = await fundedAccount(world(), 10_000n);
    const payment = await signForSeller(account);
    const { processId } = world().stack.chain;
    process.kill(-processId, 'SIGSTOP');
    try {
      const { status, json } = await postTo(world(), 'settle', body2(payment));
      expect(status).toBe(200);
      expect(json).toMatchObject({
        success: false,
        errorReason: 'settlement_pending',
        transaction: '',
        payer: account.address.toLowerCase(),
        extra: { status: 'pending', retryAfter: '5' },
      });
      // Verification has written nothing: it returns a server error, not a 402.
      expect((await postTo(world(), 'verify', body2(payment))).status).toBe(503);
    } finally {
      process.kill(-processId, 'SIGCONT');
    }
    await expect
      .poll(async () => (await postTo(world(), 'settle', body2(payment))).json, {
        timeout: 60_000,
        interval: 1_000,
      })
      .toMatchObject({ success: true });
    expect(await usdcBalance(world().client, account.address)).toBe(0n);
  });

  it('names the transaction and the look-up while the chain makes no blocks', async () => {
    const account = await fundedAccount(world(), 10_000n);
    const payment = await signForSeller(account);
    await world().client.setAutomine(false);
    let json: Awaited<ReturnType<typeof postTo>>['json'];
    try {
      ({ json } = await postTo(world(), 'settle', body2(payment)));
    } finally {
      await world().client.mine({ blocks: 1 });
      await world().client.setAutomine(true);
    }
    const { transaction, extra } = json as { transaction: string; extra: { lookUp: string } };
    expect(json).toMatchObject({ success: false, errorReason: 'settlement_pending' });
    expect(transaction).toMatch(/^0x[0-9a-f]{64}$/);
    const status = await fetch(extra.lookUp);
    expect(await status.json()).toMatchObject({ status: 'settled', transaction, amount: '10000' });
    expect((await postTo(world(), 'settle', body2(payment))).json).toMatchObject({
      success: true,
      transaction,
    });
  }, 120_000);
});

describe('GET /facilitator/payments', () => {
  const lookUp = async (payment: Payment, changes: Readonly<Record<string, string>> = {}) => {
    const { from, to, value, validBefore, nonce } = payment.payload.authorization;
    const query = new URLSearchParams({ payTo: to, amount: value, validBefore, ...changes });
    return await get(`/facilitator/payments/${usdc.network}/${from}/${nonce}?${query.toString()}`);
  };

  it('shows what the chain says', async () => {
    const account = await fundedAccount(world(), 1_000_000n);
    const unused = await signForSeller(account);
    expect(await (await lookUp(unused)).json()).toMatchObject({ status: 'unused' });
    const expired = await signForSeller(account, { validBefore: 1_000_000_000 });
    expect(await (await lookUp(expired)).json()).toMatchObject({ status: 'expired' });
    await submit(world(), unused);
    expect(await (await lookUp(unused)).json()).toMatchObject({ status: 'settled' });
    expect(await (await lookUp(unused, { amount: '9999' })).json()).toMatchObject({
      status: 'used',
    });
  });

  it('looks up nothing for another receiving address, and rejects a malformed query', async () => {
    const payment = await signForSeller(newAccount());
    expect((await lookUp(payment, { payTo: people.payTo })).status).toBe(404);
    expect((await lookUp(payment, { amount: '-1' })).status).toBe(400);
    expect((await lookUp(payment, { more: '1' })).status).toBe(400);
    expect((await get('/facilitator/payments/eip155:84532/0x')).status).toBe(400);
  });
});

describe('refusals', () => {
  it('of an address that is not listed, and of a bound payment, move nothing', async () => {
    const account = await fundedAccount(world(), 1_000_000n);
    const stray = await signForSeller(account, { to: people.payTo });
    const bound = await signForSeller(account, { validAfter: BigInt(vectors.boundValidAfter) });
    for (const [payment, reason] of [
      [stray, 'invalid_payment_requirements'],
      [bound, 'invalid_exact_evm_payload_authorization_valid_after'],
    ] as const) {
      expect((await postTo(world(), 'verify', body2(payment))).json).toMatchObject({
        isValid: false,
        invalidReason: reason,
      });
      expect((await postTo(world(), 'settle', body2(payment))).json).toMatchObject({
        success: false,
        errorReason: reason,
        transaction: '',
      });
      expect(await isUsed(world(), payment)).toBe(false);
    }
  });

  it('of garbage are problems', async () => {
    const payment = await signForSeller(newAccount());
    for (const action of ['verify', 'settle'] as const) {
      for (const garbage of ['', '{', '[]', '"x"', '{"x402Version":2}', '{"a":1,"a":2}']) {
        const { status, json } = await postTo(world(), action, garbage);
        expect([garbage, status]).toEqual([garbage, 400]);
        expect(json).toMatchObject({ status: 400, field: expect.any(String) });
      }
      const large = { ...body2(payment), padding: 'x'.repeat(40_000) };
      expect((await postTo(world(), action, large)).status).toBe(413);
      expect((await get(`/facilitator/${action}`)).status).toBe(405);
    }
    expect((await get('/facilitator/discovery')).status).toBe(404);
  });
});

it('lists what it settles', async () => {
  const answer = await get('/facilitator/supported');
  expect(await answer.json()).toEqual({
    kinds: [
      { x402Version: 2, scheme: 'exact', network: usdc.network },
      { x402Version: 1, scheme: 'exact', network: 'base-sepolia' },
    ],
    extensions: [],
    signers: { 'eip155:*': [relayer.toLowerCase()] },
  });
});
