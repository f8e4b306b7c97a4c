import { encodeFunctionData } from 'viem';
import type { PrivateKeyAccount } from 'viem/accounts';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { usdc, usdcAbi } from '../../../../dev/stack/chain-access.ts';
import { signPermit } from '../../../../dev/stack/permit.ts';
import type { Payment } from '../../../../src/protocol/payment.ts';
import { UPTO_PROXY } from '../../../../src/protocol/x402/permit2.ts';
import { conclude } from '../../../../src/settlement/conclude.ts';
import { expectedTransfer } from '../../../../src/settlement/chain/expected-transfer.ts';
import type { Observation } from '../../../../src/settlement/chain/observation.ts';
import { observePayments } from '../../../../src/settlement/chain/observe-payments.ts';
import { readPermitFacts } from '../../../../src/settlement/chain/permit-payer.ts';
import { settleData } from '../../../../src/settlement/relayer/permit-calldata.ts';
import { chain, freshPayer, headBlock, mined, payTo, rpc } from '../real-chain.ts';
import {
  allowance,
  approve,
  approvedPayer,
  cancelPermit,
  CHARGE,
  lower,
  MOST,
  permitFrom,
  sendSettlement,
} from '../real-permits.ts';

let payer: PrivateKeyAccount;
let sender: PrivateKeyAccount;
let since: number;

beforeEach(async () => {
  [payer, sender] = [await approvedPayer(), await freshPayer(0n)];
  since = await headBlock();
});

afterEach(() => {
  vi.restoreAllMocks();
});

const permit = async (terms: Parameters<typeof permitFrom>[2] = { charge: CHARGE }) =>
  permitFrom(payer, lower(sender.address), terms);

const see = async (payment: Payment, confirmations = 1): Promise<Observation> => {
  const [seen] = await observePayments({ urls: [rpc], confirmations }, [
    expectedTransfer(payment, since),
  ]);
  return seen as Observation;
};

const outcomeOf = (payment: Payment, seen: Observation) =>
  conclude('settle', expectedTransfer(payment, since), seen);

describe('the proxy', () => {
  test('settles 1,260 of 100,000 once, and only for its sender', async () => {
    const payment = await permit();
    const other = await freshPayer(0n);
    await expect(sendSettlement(other, payment)).rejects.toThrow(/revert/);
    await expect(sendSettlement(sender, payment, MOST + 1n)).rejects.toThrow(/revert/);
    const transaction = await sendSettlement(sender, payment);
    expect(await chain.balanceOf(payer.address)).toBe(MOST - CHARGE);
    await expect(sendSettlement(sender, payment)).rejects.toThrow(/revert/);
    expect(await see(payment)).toEqual({
      kind: 'settled',
      transaction,
      block: Number((await chain.client.getTransactionReceipt({ hash: transaction })).blockNumber),
    });
  });

  test('settles for a payer without allowance and without ether, with its approval', async () => {
    const poor = await freshPayer(MOST);
    await chain.client.setBalance({ address: poor.address, value: 0n });
    const payment = await permitFrom(poor, lower(sender.address), { charge: CHARGE });
    expect(payment.permit?.approval).toMatchObject({ nonce: '0' });
    const transaction = await sendSettlement(sender, payment);
    expect(await chain.balanceOf(poor.address)).toBe(MOST - CHARGE);
    expect(await allowance(poor.address)).toBe(MOST - CHARGE);
    expect(await see(payment)).toMatchObject({ kind: 'settled', transaction });
  });

  test('needs no approval that was used before it', async () => {
    const poor = await freshPayer(MOST);
    const payment = await permitFrom(poor, lower(sender.address), { charge: CHARGE });
    const [first, second] = [
      payment,
      await permitFrom(poor, lower(sender.address), { charge: 5n }),
    ];
    await sendSettlement(sender, first);
    // Its approval has the same nonce, and the allowance of the first is left.
    await sendSettlement(sender, second);
    expect(await chain.balanceOf(poor.address)).toBe(MOST - CHARGE - 5n);
  });
});

describe('a permit', () => {
  test('is unused before its settlement, and unconfirmed until enough blocks are on top', async () => {
    const payment = await permit();
    expect(await see(payment)).toMatchObject({ kind: 'unused', balance: MOST });
    const transaction = await sendSettlement(sender, payment);
    expect(await see(payment, 1_000_000)).toMatchObject({ kind: 'unconfirmed', transaction });
  });

  test('is found among other transfers of the same amount to the payee', async () => {
    const all = await Promise.all([permit(), permit(), permit()]);
    const hashes = [];
    for (const one of all) hashes.push(await sendSettlement(sender, one));
    const seen = await Promise.all(all.map(async (one) => see(one)));
    expect(seen.map((one) => 'transaction' in one && one.transaction)).toEqual(hashes);
  });

  test('whose sender moved more than the charge is settled', async () => {
    const payment = await permit();
    const transaction = await sendSettlement(sender, payment, CHARGE + 1n);
    expect(await see(payment)).toMatchObject({ kind: 'settled', transaction });
  });

  test('whose sender moved less is a loss of the gateway, not a debt', async () => {
    const payment = await permit();
    const transaction = await sendSettlement(sender, payment, CHARGE - 1n);
    const seen = await see(payment);
    expect(seen).toEqual({ kind: 'spent_otherwise', transaction });
    expect(outcomeOf(payment, seen)).toMatchObject({ outcome: 'failed', fault: 'gateway' });
  });

  test('that its payer cancelled failed at once, by its payer', async () => {
    const payment = await permit();
    const transaction = await cancelPermit(payer, payment);
    const seen = await see(payment);
    expect(seen).toEqual({ kind: 'cancelled', transaction });
    expect(outcomeOf(payment, seen)).toMatchObject({ outcome: 'failed', fault: 'payer' });
  });

  test('that its payer cancelled is not settled by a transfer that looks like it', async () => {
    const payment = await permit();
    // The payer's own transfer of the charge, with the whole settlement in its calldata.
    const data = `${transferData(CHARGE)}${settleData(payment).slice(2)}` as const;
    await mined(await chain.client.sendTransaction({ account: payer, to: usdc.address, data }));
    expect(await see(payment)).toMatchObject({ kind: 'unused' });
    const transaction = await cancelPermit(payer, payment);
    expect(await see(payment)).toEqual({ kind: 'cancelled', transaction });
  });

  test('whose nonce another permit used is spent otherwise, once its deadline has passed', async () => {
    const payment = await permit({ charge: CHARGE, seconds: 4 });
    const { authorization } = payment;
    const toItself = await signPermit({
      ...{ account: payer, token: usdc, to: authorization.from, value: 1n },
      ...{ facilitator: lower(sender.address), validAfter: 0n, nonce: authorization.nonce },
      validBefore: authorization.validBefore,
    });
    await sendSettlement(sender, { ...payment, ...toItself, charge: 1n });
    expect(await see(payment)).toMatchObject({ kind: 'unknown' });
    await new Promise((resolve) => setTimeout(resolve, 5_000));
    await chain.client.mine({ blocks: 70, interval: 1 });
    const seen = await see(payment);
    expect(seen).toEqual({ kind: 'spent_otherwise' });
    expect(outcomeOf(payment, seen)).toMatchObject({ outcome: 'failed', fault: 'payer' });
  });

  test('is searched window by window if a node refuses the whole range', async () => {
    const [paid, void_] = [await permit(), await permit()];
    const transaction = await sendSettlement(sender, paid);
    const cancellation = await cancelPermit(payer, void_);
    refuseLatestLogs();
    expect(await see(paid)).toMatchObject({ kind: 'settled', transaction });
    expect(await see(void_)).toEqual({ kind: 'cancelled', transaction: cancellation });
  });

  test('unused after its deadline is the loss of the gateway', async () => {
    const payment = await permit({ charge: CHARGE, seconds: 1 });
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    await chain.client.mine({ blocks: 1 });
    const seen = await see(payment);
    expect(outcomeOf(payment, seen)).toMatchObject({ fault: 'gateway', reason: 'not_presented' });
  });

  test('whose payer withdrew the allowance is a debt after its deadline', async () => {
    const payment = await permit({ charge: CHARGE, seconds: 2 });
    await approve(payer, CHARGE - 1n);
    await expect(sendSettlement(sender, payment)).rejects.toThrow(/revert/);
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    await chain.client.mine({ blocks: 1 });
    const seen = await see(payment);
    expect(outcomeOf(payment, seen)).toMatchObject({ fault: 'payer', reason: 'unfunded' });
  });
});

test('the facts about a payer have the nonce and the allowance of Permit2', async () => {
  const payment = await permit({ charge: CHARGE });
  const { from, nonce } = payment.authorization;
  const facts = async () => readPermitFacts([rpc], from, usdc, nonce, 7);
  expect(await facts()).toMatchObject({
    ok: true,
    value: { hasCode: false, balance: MOST, nonceUsed: false, allowance: 2n ** 256n - 1n, at: 7 },
  });
  await sendSettlement(sender, payment);
  expect(await facts()).toMatchObject({
    ok: true,
    value: { balance: MOST - CHARGE, nonceUsed: true },
  });
  const poor = await freshPayer(5n);
  expect(await readPermitFacts([rpc], lower(poor.address), usdc, nonce, 7)).toMatchObject({
    ok: true,
    value: { balance: 5n, nonceUsed: false, allowance: 0n },
  });
});

test('the stand-in is where the gateway expects the proxy', async () => {
  expect(await chain.client.getCode({ address: UPTO_PROXY })).toMatch(/^0x60/);
});

const transferData = (value: bigint) =>
  encodeFunctionData({ abi: usdcAbi, functionName: 'transfer', args: [payTo, value] });

/** The node answers `eth_getLogs` up to the newest block with an error. */
const refuseLatestLogs = (): void => {
  const real = globalThis.fetch.bind(globalThis);
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) => {
    const sent = JSON.parse(init?.body as string) as { method: string; params: unknown[] }[];
    const answer = await real(input, init);
    const answers = (await answer.json()) as object[];
    return Response.json(
      answers.map((one, at) => {
        const call = sent[at];
        const isRefused =
          call?.method === 'eth_getLogs' && JSON.stringify(call.params).includes('latest');
        return isRefused
          ? { ...one, result: undefined, error: { code: -32005, message: 'range' } }
          : one;
      }),
    );
  });
};
