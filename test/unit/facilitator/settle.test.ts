import type { Hex } from 'viem';
import { privateKeyToAccount, generatePrivateKey, type PrivateKeyAccount } from 'viem/accounts';
import { env } from 'cloudflare:test';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import {
  submitAuthorization,
  submitCancellation,
  signCancellation,
} from '../../../dev/stack/authorization.ts';
import { usdc } from '../../../dev/stack/chain-access.ts';
import { nowSeconds } from '../../../src/core/clock.ts';
import { ok } from '../../../src/core/result.ts';
import { openClaim } from '../../../src/facilitator/claim-success.ts';
import type { Payment } from '../../../src/protocol/payment.ts';
import type { Relay, Relayed } from '../../../src/protocol/relayer-contract.ts';
import { chain, freshPayer } from '../settlement/real-chain.ts';
import { always, bodyFor, CONFIG, openFacilitator, signForSeller } from './world.ts';

let sender: PrivateKeyAccount;
beforeAll(async () => {
  sender = await freshPayer(0n);
});

const submit = async ({ payment: { authorization, signature } }: Pick<Relay, 'payment'>) =>
  submitAuthorization({
    client: chain.client,
    sender,
    token: usdc,
    signed: { authorization, signature },
  });

/** A relayer that settles every payment at once. */
const honest = async (relays: readonly Relay[]): Promise<readonly Relayed[]> => {
  for (const one of relays) await submit(one);
  return relays.map(({ call }) => ({ call, verdict: 'taken' }));
};

describe('POST /facilitator/settle', () => {
  it("hands the payment to the relayer alone, without an account, and answers with the chain's proof", async () => {
    const payer = await freshPayer(2_000n);
    const payment = await signForSeller(payer);
    const { send, relayed, observed } = await openFacilitator(honest);
    const first = await send('settle', bodyFor(payment));
    expect(first.json).toMatchObject({
      success: true,
      payer: payer.address.toLowerCase(),
      network: usdc.network,
      transaction: expect.stringMatching(/^0x[0-9a-f]{64}$/),
      amount: '2000',
      extra: { status: 'settled' },
    });
    expect(relayed).toHaveLength(1);
    expect(relayed[0]?.account).toBeUndefined();
    expect(observed).toMatchObject([{ event: 'payment_facilitated', amount: 2_000n }]);
    // A repeat returns the same facts without the success, and the gateway presents nothing.
    expect((await send('settle', bodyFor(payment))).json).toEqual({
      ...first.json,
      success: false,
      errorReason: 'invalid_exact_evm_nonce_already_used',
      errorMessage: expect.stringContaining('An earlier request got the success') as string,
    });
    expect(relayed).toHaveLength(1);
    expect(observed).toHaveLength(1);
  });

  it('finds the settlement after the authorization ended', async () => {
    const payer = await freshPayer(2_000n);
    const validBefore = BigInt(Math.floor(Date.now() / 1000) + 7);
    const payment = await signForSeller(payer, { validBefore });
    await submit({ payment });
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    const { send, relayed } = await openFacilitator();
    expect((await send('verify', bodyFor(payment))).json).toMatchObject({ isValid: false });
    expect((await send('settle', bodyFor(payment))).json).toMatchObject({ success: true });
    expect(relayed).toEqual([]);
  });

  it.each([
    ['insufficient_balance', 1_999n],
    ['signature', 2_000n],
  ])('presents nothing with %s', async (reason, funds) => {
    const payer = await freshPayer(funds);
    const payment = await signForSeller(payer);
    const other = privateKeyToAccount(generatePrivateKey());
    const { signature } =
      reason === 'signature' ? await signForSeller(other, payment.authorization) : payment;
    const { send, relayed } = await openFacilitator(honest);
    expect((await send('settle', bodyFor({ ...payment, signature }))).json).toMatchObject({
      success: false,
      errorReason: `invalid_exact_evm_${reason}`,
    });
    expect(relayed).toEqual([]);
  });

  it('does not give the answer of a settled payment to another signature', async () => {
    const payment = await signForSeller(await freshPayer(2_000n));
    await submit({ payment });
    const other = privateKeyToAccount(generatePrivateKey());
    const { signature } = await signForSeller(other, payment.authorization);
    const { send } = await openFacilitator();
    expect((await send('settle', bodyFor({ ...payment, signature }))).json).toMatchObject({
      success: false,
      errorReason: 'invalid_exact_evm_signature',
    });
  });

  it('says that the nonce is used if it paid for something else, or was cancelled', async () => {
    const used = { success: false, errorReason: 'invalid_exact_evm_nonce_already_used' };
    const payer = await freshPayer(10_000n);
    const spent = await signForSeller(payer);
    const { nonce } = spent.authorization;
    await submit({ payment: await signForSeller(payer, { nonce, value: 1_000n }) });
    const cancelled = await signForSeller(payer);
    const authorizer = payer.address;
    const signature = await signCancellation({
      account: payer,
      token: usdc,
      nonce: cancelled.authorization.nonce,
    });
    await submitCancellation({
      client: chain.client,
      sender,
      token: usdc,
      authorizer,
      nonce: cancelled.authorization.nonce as Hex,
      signature,
    });
    const { send } = await openFacilitator(honest);
    for (const payment of [spent, cancelled]) {
      expect((await send('settle', bodyFor(payment))).json).toMatchObject(used);
    }
  });

  it('says that an unused authorization has ended once the chain is past it', async () => {
    const payment = await signForSeller(await freshPayer(), { validBefore: 1_000_000_000n });
    const { send, relayed } = await openFacilitator(honest);
    expect((await send('settle', bodyFor(payment))).json).toMatchObject({
      errorReason: 'invalid_exact_evm_payload_authorization_valid_before',
    });
    expect(relayed).toEqual([]);
  });
});

describe('the success of a settlement', () => {
  const successes = (answers: readonly { readonly json: object }[]) =>
    answers.filter(({ json }) => 'success' in json && json.success === true).length;

  it('goes to one of many requests at once, whoever sent the transaction', async () => {
    const payment = await signForSeller(await freshPayer(2_000n));
    await submit({ payment });
    const { send } = await openFacilitator();
    const answers = await Promise.all(
      Array.from({ length: 8 }, async () => await send('settle', bodyFor(payment))),
    );
    expect(successes(answers)).toBe(1);
  });

  it('is not given to a second authorization with the same nonce', async () => {
    const payer = await freshPayer(4_000n);
    const payment = await signForSeller(payer);
    const { nonce, validBefore } = payment.authorization;
    const twin = await signForSeller(payer, { nonce, validBefore: validBefore - 1n });
    const { send } = await openFacilitator(honest);
    const answers = [];
    for (const one of [payment, twin]) answers.push(await send('settle', bodyFor(one)));
    expect(successes(answers)).toBe(1);
  });

  it('is pending while the database does not answer, and can be claimed later', async () => {
    const payment = await signForSeller(await freshPayer(2_000n));
    await submit({ payment });
    const { send } = await openFacilitator();
    const batch = vi.spyOn(env.AUDIT_DB, 'batch').mockRejectedValueOnce(new Error('no answer'));
    expect((await send('settle', bodyFor(payment))).json).toMatchObject({
      errorReason: 'settlement_pending',
      transaction: expect.stringMatching(/^0x[0-9a-f]{64}$/) as string,
    });
    batch.mockRestore();
    expect((await send('settle', bodyFor(payment))).json).toMatchObject({ success: true });
  });

  it('is forgotten when no request can find the settlement any more', async () => {
    const payment = await signForSeller(await freshPayer(2_000n));
    await openFacilitator();
    const take = async (block: number) =>
      await openClaim(env.AUDIT_DB, payment, '0x01').take(
        { outcome: 'settled', block, transaction: '0x' },
        1,
      );
    const other = await signForSeller(await freshPayer(2_000n));
    const hold = async (block: number) =>
      await openClaim(env.AUDIT_DB, other, '0x01').hold(block, 1);
    expect(await take(1_000_000)).toEqual(ok('ours'));
    await hold(1_100_000);
    expect(await take(1_000_000)).toEqual(ok('given'));
    await hold(1_100_001);
    expect(await take(1_000_000)).toEqual(ok('ours'));
  });

  /** The body that a stranger can build, because the chain shows only the authorization and its signature. */
  const copyOf = (payment: Payment) => bodyFor(payment, { maxTimeoutSeconds: 60 });

  it("is not taken by a stranger that copies the signature from the relayer's transaction", async () => {
    for (let round = 0; round < 12; round += 1) {
      const payment = await signForSeller(await freshPayer(2_000n));
      const copies: object[] = [];
      const { send } = await openFacilitator(async (relays) => {
        const taken = await honest(relays);
        // The block is mined, but the relayer has not answered yet. The stranger even posts the server's exact body.
        for (const body of [copyOf(payment), bodyFor(payment)]) {
          copies.push((await send('settle', body)).json);
        }
        return taken;
      });
      expect((await send('settle', bodyFor(payment))).json).toMatchObject({ success: true });
      expect(copies).toMatchObject([
        { success: false, errorReason: 'settlement_pending' },
        { success: false, errorReason: 'settlement_pending' },
      ]);
      expect((await send('settle', copyOf(payment))).json).toMatchObject({
        errorReason: 'invalid_exact_evm_nonce_already_used',
      });
    }
  });

  it('goes to a second request after the first one died', async () => {
    const payment = await signForSeller(await freshPayer(2_000n));
    const { send } = await openFacilitator(honest);
    // Simulates a first request that held the claim, presented the payment, and whose isolate then ended.
    const first = openClaim(env.AUDIT_DB, payment, '0x01');
    expect(await first.hold(1, nowSeconds() - 120 - 298)).toEqual(ok(undefined));
    expect((await send('settle', bodyFor(payment))).json).toMatchObject({
      errorReason: 'settlement_pending',
      transaction: expect.stringMatching(/^0x[0-9a-f]{64}$/) as string,
    });
    await expect
      .poll(async () => (await send('settle', bodyFor(payment))).json, { interval: 1_000 })
      .toMatchObject({ success: true });
    // What the first request would find if it was only slow.
    const late = await first.take({ outcome: 'settled', block: 1, transaction: '0x' }, 1);
    expect(late).toEqual(ok('given'));
  });

  it('waits for the repeat of a request that was answered settlement_pending', async () => {
    const payment = await signForSeller(await freshPayer(2_000n));
    const { settleWith, relayed, send } = await openFacilitator(always('taken'));
    expect(await settleWith(0, bodyFor(payment))).toMatchObject({
      errorReason: 'settlement_pending',
    });
    await honest(relayed.slice(0, 1));
    const headers = { 'CF-Connecting-IP': '203.0.113.9' };
    for (const [body, init] of [
      [copyOf(payment), {}],
      [bodyFor(payment), { headers }],
    ] as const) {
      expect((await send('settle', body, init)).json).toMatchObject({
        errorReason: 'settlement_pending',
      });
    }
    expect((await send('settle', bodyFor(payment))).json).toMatchObject({ success: true });
  });

  const claimBy = (payment: Payment, repeat: Hex) => openClaim(env.AUDIT_DB, payment, repeat);
  const settled = { outcome: 'settled', block: 1, transaction: '0x' } as const;

  it('waits for the repeat of a request that died, two minutes after it began', async () => {
    const payment = await signForSeller(await freshPayer(2_000n));
    await openFacilitator();
    await claimBy(payment, '0x01').hold(1, 1_000);
    expect(await claimBy(payment, '0x01').take(settled, 1_119)).toEqual(ok('held'));
    expect(await claimBy(payment, '0x02').take(settled, 1_419)).toEqual(ok('held'));
    expect(await claimBy(payment, '0x01').take(settled, 1_120)).toEqual(ok('ours'));
  });

  it('waits for the next repeat after one that presented nothing', async () => {
    const payment = await signForSeller(await freshPayer(2_000n));
    // The relayer took the payment, but is full when the server repeats its request.
    const { settleWith, relayed, send } = await openFacilitator(async (relays) =>
      always(relayed.length === 1 ? 'taken' : 'full')(relays),
    );
    expect(await settleWith(0, bodyFor(payment))).toMatchObject({
      errorReason: 'settlement_pending',
    });
    expect((await send('settle', bodyFor(payment))).status).toBe(429);
    await honest(relayed.slice(0, 1));
    expect((await send('settle', copyOf(payment))).json).toMatchObject({
      errorReason: 'settlement_pending',
    });
    expect((await send('settle', bodyFor(payment))).json).toMatchObject({ success: true });
  });

  it('is found although the server has hung up', async () => {
    const payment = await signForSeller(await freshPayer(2_000n));
    const { send, kept } = await openFacilitator(honest);
    await send('settle', bodyFor(payment));
    expect(kept).toHaveLength(1);
  });

  it('is free again after a request that presented nothing', async () => {
    const payment = await signForSeller(await freshPayer(2_000n));
    const { send } = await openFacilitator(
      async (relays) => (await verdicts.shift()?.(relays)) ?? [],
    );
    const verdicts = [always('full'), honest];
    expect((await send('settle', copyOf(payment))).status).toBe(429);
    expect((await send('settle', bodyFor(payment))).json).toMatchObject({ success: true });
  });
});

describe('a payment that the relayer has not kept', () => {
  it.each([
    ['refused', 'invalid_exact_evm_transaction_simulation_failed'],
    ['expired', 'invalid_exact_evm_payload_authorization_valid_before'],
  ] as const)('fails for certain (%s)', async (verdict, errorReason) => {
    const payment = await signForSeller(await freshPayer());
    const { send } = await openFacilitator(always(verdict));
    const { status, json } = await send('settle', bodyFor(payment));
    expect([status, json]).toMatchObject([200, { success: false, errorReason }]);
  });

  it.each([
    ['full', 429, 'too-many-payments'],
    ['gas', 503, 'facilitator-unavailable'],
    ['fee', 503, 'facilitator-unavailable'],
    ['unsupported', 503, 'facilitator-unavailable'],
  ] as const)('is for another time (%s)', async (verdict, status, type) => {
    const payment = await signForSeller(await freshPayer());
    const { send } = await openFacilitator(always(verdict));
    const answer = await send('settle', bodyFor(payment));
    expect(answer.status).toBe(status);
    expect(answer.headers.get('Retry-After')).toBe('5');
    // The answer must not have the member `success`: x402's client would count the payment as failed, and its server would demand another
    // one.
    expect(answer.json).toMatchObject({ type: `urn:countersign:problem:${type}` });
    expect(answer.json).not.toHaveProperty('success');
  });
});

describe('an outcome that is not known is pending', () => {
  const pending = {
    success: false,
    errorReason: 'settlement_pending',
    extra: { status: 'pending', retryAfter: '5' },
  };

  it('if no node answers, with the look-up and nothing presented', async () => {
    const payment = await signForSeller(await freshPayer());
    const { from, nonce, validBefore } = payment.authorization;
    const rpcUrls = new Map([[usdc.network, ['http://127.0.0.1:1']]] as const);
    const { send, relayed } = await openFacilitator(honest, { rpcUrls });
    const { json, headers } = await send('settle', bodyFor(payment));
    expect(json).toMatchObject(pending);
    expect(json).toMatchObject({
      transaction: '',
      extra: {
        lookUp: `${CONFIG.audiences[0]}/facilitator/payments/${usdc.network}/${from}/${nonce}?payTo=${payment.authorization.to}&amount=2000&validBefore=${validBefore}`,
      },
    });
    expect(headers.get('Retry-After')).toBe('5');
    expect(relayed).toEqual([]);
  });

  it('if the relayer does not answer: it may have taken the payment', async () => {
    const payment = await signForSeller(await freshPayer());
    const { send } = await openFacilitator(always('unavailable'));
    expect((await send('settle', bodyFor(payment))).json).toMatchObject(pending);
  });

  it('with the transaction while its block is not final', async () => {
    const payment = await signForSeller(await freshPayer());
    const hash = await submit({ payment });
    const { settleWith, relayed } = await openFacilitator(honest, { confirmations: 64 });
    expect(await settleWith(250, bodyFor(payment))).toMatchObject({
      ...pending,
      transaction: hash,
    });
    expect(relayed).toEqual([]);
  });

  it('with the transaction that carries it, for which the relayer is asked again', async () => {
    const payment = await signForSeller(await freshPayer());
    const transaction = `0x${'ab'.repeat(32)}` as const;
    const { settleWith, relayed } = await openFacilitator(async (relays) =>
      relays.map(({ call }) => ({
        call,
        verdict: 'taken',
        ...(relayed.length === 1 ? {} : { transaction }),
      })),
    );
    expect(await settleWith(250, bodyFor(payment))).toMatchObject({ ...pending, transaction });
    expect(relayed).toHaveLength(2);
  });
});

it('waiting requests share their looks at the chain', async () => {
  const payers = await Promise.all(Array.from({ length: 12 }, () => freshPayer(2_000n)));
  const payments = await Promise.all(payers.map(async (one) => signForSeller(one)));
  const { send, relayed } = await openFacilitator(always('taken'));
  const requests = vi.spyOn(globalThis, 'fetch');
  const waiting = payments.map(async (payment) => send('settle', bodyFor(payment)));
  await vi.waitFor(() => expect(relayed).toHaveLength(12), { timeout: 30_000 });
  const before = requests.mock.calls.length;
  // Two requests for each payment: the facts about its payer, and the state of its nonce.
  expect(before).toBeLessThanOrEqual(2 * 12 + 4);
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const looks = requests.mock.calls.length - before;
  requests.mockRestore();
  await honest(relayed);
  const answers = await Promise.all(waiting);
  expect(answers.map(({ json }) => 'success' in json && json.success)).toEqual(
    payments.map(() => true),
  );
  // In a second there are four reads of the newest block and one observation of all payments. Without sharing, each payment would need at
  // least one request of its own.
  expect(looks).toBeGreaterThan(0);
  expect(looks).toBeLessThan(12);
}, 30_000);

it('settles nothing while the gateway is paused', async () => {
  const payment = await signForSeller(await freshPayer());
  const { send, relayed } = await openFacilitator(honest, { paused: true });
  expect((await send('settle', bodyFor(payment))).status).toBe(503);
  expect((await send('verify', bodyFor(payment))).status).toBe(503);
  expect(relayed).toEqual([]);
});
