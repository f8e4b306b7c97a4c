import { encodeFunctionData, type Hex, multicall3Abi, type PrivateKeyAccount } from 'viem';
import { vi } from 'vitest';
import { multicall3, usdc, usdcAbi } from '../../../../dev/stack/chain-access.ts';
import {
  signCancellation,
  submitAuthorization,
  submitCancellation,
} from '../../../../dev/stack/authorization.ts';
import { accountId } from '../../../../src/protocol/account-id.ts';
import { nowSeconds } from '../../../../src/core/clock.ts';
import { consumeSettlement } from '../../../../src/settlement/consumer.ts';
import { observePayments } from '../../../../src/settlement/chain/observe-payments.ts';
import { expectedTransfer } from '../../../../src/settlement/chain/expected-transfer.ts';
import type {
  Payment,
  SettlementMessage,
  SettlementResult,
} from '../../../../src/protocol/payment.ts';
import { settleNow } from '../../../../src/settlement/present/settle-now.ts';
import { chain, evidence, facilitator, freshPayer, headBlock, mined } from '../real-chain.ts';
import { backendsAt, messageFor } from '../scripted.ts';

/** The chain, Circle's USDC and the official facilitator are real here. A test may intercept requests to the facilitator. */
export let payer: PrivateKeyAccount;
export let sender: PrivateKeyAccount;
export let since: number;

/** Creates a payer and a third-party sender for the next test, and sets the block from which its payment counts. */
export const freshPeople = async (): Promise<void> => {
  [payer, sender] = await Promise.all([freshPayer(), freshPayer(0n)]);
  since = await headBlock();
};

/**
 * Accepts the payment so many blocks after the block of a transaction. The head would not do: other test files mine on the same chain.
 */
export const acceptAfter = async (transaction: Hex, blocks: number): Promise<void> => {
  const { blockNumber } = await chain.client.getTransactionReceipt({ hash: transaction });
  since = Number(blockNumber) + blocks;
};

/** Intercepts requests to the real facilitator. All other requests pass. */
export const intercept = (act: (pass: () => Promise<Response>) => Promise<Response>): void => {
  const real = globalThis.fetch.bind(globalThis);
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) => {
    const pass = async (): Promise<Response> => await real(input, init);
    return input === `${facilitator}/settle` ? await act(pass) : await pass();
  });
};

export const frontRun = async (payment: Payment) =>
  await submitAuthorization({
    client: chain.client,
    sender,
    token: usdc,
    signed: payment,
  });

export const cancel = async ({ authorization: { nonce } }: Payment) =>
  await submitCancellation({
    client: chain.client,
    sender,
    token: usdc,
    authorizer: payer.address,
    nonce,
    signature: await signCancellation({ account: payer, token: usdc, nonce }),
  });

const transferCall = ({ authorization, signature }: Payment) => {
  const { from, to, value, validAfter, validBefore, nonce } = authorization;
  return encodeFunctionData({
    abi: usdcAbi,
    functionName: 'transferWithAuthorization',
    args: [from, to, value, validAfter, validBefore, nonce, signature],
  });
};

export const sendTogether = async (payments: readonly Payment[]) =>
  await mined(
    await chain.client.writeContract({
      address: multicall3,
      abi: multicall3Abi,
      account: sender,
      functionName: 'aggregate3',
      args: [
        payments.map((payment) => ({
          target: usdc.address,
          allowFailure: false,
          callData: transferCall(payment),
        })),
      ],
    }),
  );

export const see = async (...payments: readonly Payment[]) =>
  await observePayments(
    evidence,
    payments.map((payment) => expectedTransfer(payment, since)),
  );

export const settle = async (payment: Payment) =>
  await settleNow(
    { chain: evidence, backends: backendsAt([facilitator]), watches: new Map(), waitMs: 500 },
    {
      account: accountId(usdc.network, payment.authorization.from),
      call: payment.authorization.nonce,
      payment,
      sinceBlock: since,
    },
    nowSeconds(),
  );

export const consume = async (bodies: readonly SettlementMessage[], now = nowSeconds()) => {
  const results: SettlementResult[] = [];
  let acked = 0;
  let retried = 0;
  await consumeSettlement(
    bodies.map((body) => ({
      id: body.call,
      body: JSON.parse(JSON.stringify(body)) as unknown,
      attempts: 1,
      ack: () => {
        acked += 1;
      },
      retry: () => {
        retried += 1;
      },
    })),
    {
      chains: new Map([[usdc.network, evidence]]),
      backends: backendsAt([facilitator]),
      presentations: new Map(),
      attempts: { record: async () => undefined, forget: async () => undefined },
      recordHealth: async () => undefined,
      emit: () => undefined,
      account: () => ({
        settled: async (reported) => {
          results.push(...reported);
          return await Promise.resolve({ verdict: 'ok' as const });
        },
      }),
      queue: 'countersign-settlement',
      deadLetter: async () => await Promise.reject(new Error('no dead letter expected')),
      sendAgain: async () => await Promise.reject(new Error('no further message expected')),
    },
    now,
  );
  return { results, acked, retried };
};

export const settleMessage = (payment: Payment) => messageFor(payment, { sinceBlock: since });

export const lookMessage = (payment: Payment): SettlementMessage => {
  const { signature: _, ...rest } = messageFor(payment, { kind: 'look', sinceBlock: since });
  return rest;
};
