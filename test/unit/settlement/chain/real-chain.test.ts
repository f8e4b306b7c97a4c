import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { usdc } from '../../../../dev/stack/chain-access.ts';
import { nowSeconds } from '../../../../src/core/clock.ts';
import { observePayments } from '../../../../src/settlement/chain/observe-payments.ts';
import { expectedTransfer } from '../../../../src/settlement/chain/expected-transfer.ts';
import { readPayerFacts } from '../../../../src/settlement/chain/payer.ts';
import { AUTHORIZATION_USED, TRANSFER } from '../../../../src/settlement/chain/token-calls.ts';
import { chain, freshPayer, payTo, rpc, signPayment } from '../real-chain.ts';
import {
  acceptAfter,
  freshPeople,
  payer,
  since,
  intercept,
  frontRun,
  cancel,
  sendTogether,
  see,
  settle,
  consume,
  settleMessage,
  lookMessage,
} from './real-payments.ts';

beforeEach(freshPeople);

afterEach(() => {
  vi.restoreAllMocks();
});

test('USDC emits AuthorizationUsed, directly followed by Transfer, and nothing else', async () => {
  const hash = await frontRun(await signPayment(payer));
  const { logs } = await chain.client.getTransactionReceipt({ hash });
  expect(logs.map(({ topics }) => topics[0])).toEqual([AUTHORIZATION_USED, TRANSFER]);
});

test('settles upfront through the official facilitator, and moves the money once', async () => {
  const payment = await signPayment(payer);
  const outcome = await settle(payment);
  expect(outcome).toMatchObject({ outcome: 'settled' });
  expect(await chain.balanceOf(payer.address)).toBe(9_000n);
  expect(await settle(payment)).toEqual(outcome);
  expect(await chain.balanceOf(payer.address)).toBe(9_000n);
});

test('settles and acknowledges a queue batch of twelve payers', async () => {
  const payers = await Promise.all(Array.from({ length: 12 }, async () => await freshPayer()));
  const payments = await Promise.all(payers.map(async (one) => await signPayment(one)));
  const { results, acked } = await consume(payments.map(settleMessage));
  expect(results.map(({ outcome }) => outcome)).toEqual(
    Array.from({ length: 12 }, () => 'settled'),
  );
  expect(acked).toBe(12);
  for (const one of payers) expect(await chain.balanceOf(one.address)).toBe(9_000n);
});

describe('a facilitator that contradicts the chain', () => {
  const lie = (body: object, status = 200) =>
    Response.json({ transaction: '', network: usdc.network, ...body }, { status });

  test.each<[string, (pass: () => Promise<Response>) => Promise<Response>]>([
    [
      'claims failure after the transfer',
      async (pass) => (await pass(), lie({ success: false, errorReason: 'insufficient_funds' })),
    ],
    [
      'answers 500 after broadcasting',
      async (pass) => (await pass(), new Response('oops', { status: 500 })),
    ],
    [
      'answers pending after broadcasting',
      async (pass) => (await pass(), lie({ success: false, errorReason: 'settlement_pending' })),
    ],
    [
      'times out after broadcasting',
      async (pass) => {
        await pass();
        throw new DOMException('timed out', 'TimeoutError');
      },
    ],
  ])('is settled although it %s', async (_, act) => {
    const [first, second] = [await signPayment(payer), await signPayment(payer)];
    intercept(act);
    expect(await settle(first)).toMatchObject({ outcome: 'settled' });
    const { results, acked } = await consume([settleMessage(second)]);
    expect(results).toMatchObject([{ outcome: 'settled' }]);
    expect(acked).toBe(1);
    expect(await chain.balanceOf(payer.address)).toBe(8_000n);
  });

  test('claims success without a transfer: the payment is unknown, sent, and never settled', async () => {
    const payment = await signPayment(payer);
    intercept(
      async () =>
        await Promise.resolve(lie({ success: true, transaction: `0x${'ab'.repeat(32)}` })),
    );
    expect(await settle(payment)).toMatchObject({ outcome: 'unknown' });
    const { results, acked, retried } = await consume([settleMessage(payment)]);
    expect(results).toMatchObject([{ outcome: 'sent' }]);
    expect([acked, retried]).toEqual([0, 1]);
    expect(await chain.balanceOf(payer.address)).toBe(10_000n);
  });

  test('rejects for lack of funds: the payment is unknown while it is valid', async () => {
    const poor = await freshPayer(999n);
    expect(await settle(await signPayment(poor))).toEqual({
      outcome: 'unknown',
      why: 'invalid_exact_evm_insufficient_balance',
      observation: expect.objectContaining({ kind: 'unused', balance: 999n }),
      answer: { kind: 'claimed_failure', reason: 'invalid_exact_evm_insufficient_balance' },
    });
  });
});

describe('another party acts', () => {
  test('a third account settles the payment: it is settled, and not presented', async () => {
    const payment = await signPayment(payer);
    const transaction = await frontRun(payment);
    intercept(async () => await Promise.reject(new Error('must not receive a request')));
    expect(await settle(payment)).toMatchObject({ outcome: 'settled', transaction });
    const { results } = await consume([settleMessage(payment)]);
    expect(results).toMatchObject([{ outcome: 'settled', transaction }]);
  });

  test('the payer spends the nonce on itself: failed by the payer', async () => {
    const payment = await signPayment(payer);
    const { nonce } = payment.authorization;
    const transaction = await frontRun(
      await signPayment(payer, { nonce, to: payment.authorization.from }),
    );
    expect((await consume([settleMessage(payment)])).results).toMatchObject([
      { outcome: 'failed', fault: 'payer', reason: 'spent_otherwise', transaction },
    ]);
    expect((await consume([lookMessage(payment)])).results).toMatchObject([
      { outcome: 'released' },
    ]);
  });

  test('the payer cancels: failed by the payer', async () => {
    const payment = await signPayment(payer);
    const transaction = await cancel(payment);
    expect((await consume([settleMessage(payment)])).results).toMatchObject([
      { outcome: 'failed', fault: 'payer', reason: 'cancelled', transaction },
    ]);
  });

  test('counts each Transfer for one of the twins in one transaction', async () => {
    const [first, second, spent, paid] = await Promise.all(
      [0, 1, 2, 3].map(async () => await signPayment(payer)),
    );
    if (!first || !second || !spent || !paid) throw new Error('four payments');
    const { nonce } = spent.authorization;
    const toSelf = await signPayment(payer, { nonce, to: spent.authorization.from });
    await sendTogether([first, second]);
    await sendTogether([toSelf, paid]);
    const views = await see(first, second, spent, paid);
    expect(views.map(({ kind }) => kind)).toEqual([
      'settled',
      'settled',
      'spent_otherwise',
      'settled',
    ]);
  });

  test('finds a nonce that was spent before acceptance by its old log', async () => {
    const payment = await signPayment(payer);
    const transaction = await frontRun(payment);
    await chain.client.mine({ blocks: 65 });
    await acceptAfter(transaction, 65);
    expect(await see(payment)).toEqual([{ kind: 'spent_otherwise', transaction }]);
  });

  test('counts a settlement that a reorganisation moved some blocks below the block of acceptance', async () => {
    const payment = await signPayment(payer);
    const transaction = await frontRun(payment);
    await chain.client.mine({ blocks: 64 });
    await acceptAfter(transaction, 64);
    expect(await see(payment)).toMatchObject([{ kind: 'settled', transaction }]);
  });

  test('settles a released payment that another party presents later', async () => {
    const payment = await signPayment(payer);
    const transaction = await frontRun(payment);
    const { results, acked } = await consume([lookMessage(payment)]);
    expect(results).toMatchObject([{ outcome: 'settled', transaction }]);
    expect(acked).toBe(1);
  });
});

describe('nothing happened', () => {
  test('unused past validBefore: our loss if funded, a debt if not, and released if not owed', async () => {
    const validBefore = BigInt(nowSeconds() - 5);
    const [funded, poor] = [
      await signPayment(payer, { validBefore }),
      await signPayment(await freshPayer(999n), { validBefore }),
    ];
    await chain.client.mine({ blocks: 1 });
    const { results } = await consume([settleMessage(funded), settleMessage(poor)]);
    expect(results).toMatchObject([
      { call: funded.authorization.nonce, fault: 'gateway', reason: 'not_presented' },
      { call: poor.authorization.nonce, fault: 'payer', reason: 'unfunded' },
    ]);
    expect((await consume([lookMessage(funded)])).results).toMatchObject([{ outcome: 'released' }]);
    expect(await settle(funded)).toEqual({ outcome: 'released' });
  });

  test('a settlement is unconfirmed until enough blocks are on top of it', async () => {
    const payment = await signPayment(payer);
    const transaction = await frontRun(payment);
    const views = await observePayments({ urls: [rpc], confirmations: 1_000_000 }, [
      expectedTransfer(payment, since),
    ]);
    expect(views).toMatchObject([{ kind: 'unconfirmed', transaction }]);
  });

  test('is unknown if no node answers, and uses the next URL', async () => {
    const payment = await signPayment(payer);
    await frontRun(payment);
    const dead = 'http://127.0.0.1:1/';
    const looks = [expectedTransfer(payment, since)];
    expect(await observePayments({ urls: [dead], confirmations: 1 }, looks)).toMatchObject([
      { kind: 'unknown' },
    ]);
    expect(await observePayments({ urls: [dead, rpc], confirmations: 1 }, looks)).toMatchObject([
      { kind: 'settled' },
    ]);
  });
});

test('reads payer facts before and after a settlement, and of a delegated account', async () => {
  const payment = await signPayment(payer);
  const { from, nonce } = payment.authorization;
  const ask = async () => await readPayerFacts([rpc], from, usdc, nonce, 7);
  expect(await ask()).toMatchObject({
    ok: true,
    value: { hasCode: false, balance: 10_000n, nonceUsed: false, at: 7 },
  });
  await frontRun(payment);
  await chain.client.setCode({ address: payer.address, bytecode: `0xef0100${payTo.slice(2)}` });
  const after = await ask();
  expect(after).toMatchObject({
    ok: true,
    value: { hasCode: true, balance: 9_000n, nonceUsed: true },
  });
  expect(after.ok && after.value.block).toBeGreaterThan(since);
});
