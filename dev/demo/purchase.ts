import { decodePaymentResponseHeader } from '@x402/core/http';
import type { Hex } from 'viem';
import type { AgentResponse, Receipt } from '../../src/client/index.ts';
import { formatDollars } from '../../src/protocol/amount.ts';
import { type Answer, answerOf, initOf, textOf, type ToolRequest } from './exchange.ts';
import { type ReceiptCheck, verifyReceipt } from './receipt.ts';
import type { Scene } from './scene.ts';
import { nonceOf } from './wire.ts';

/** A paid call. */
export type Purchase = {
  readonly request: ToolRequest;
  /** The call id: for a payment its EIP-3009 nonce. */
  readonly call: Hex;
  readonly answer: Answer;
  /** Charged amount by the gateway's answer, in atomic units. */
  readonly charged: bigint;
  /** Transaction in the answer: empty for a payment that settles later. */
  readonly transaction: Hex | '';
  readonly receipt: ReceiptCheck;
  /** Remaining credit of the payer, if the answer names it. */
  readonly creditLeft: bigint | undefined;
};

/** A client's report of a paid call. */
type Report = Pick<Purchase, 'call' | 'charged' | 'transaction' | 'creditLeft'> & {
  readonly response: Response;
  readonly binding: 'none' | 'intent';
  /** The client's own verification of the receipt, if it does one. */
  readonly receipt?: Receipt | undefined;
};

/** A client that pays for a request. */
type Buyer = (scene: Scene, request: ToolRequest) => Promise<Report>;

/** Formats atomic units in dollars. */
export const dollars = (amount: string | bigint): string => formatDollars(BigInt(amount));

const reportOf = (response: AgentResponse): Report => {
  const { call = '0x', charged, transaction = '', binding, receipt, limits } = response.countersign;
  const creditLeft = limits.find(({ rule }) => rule === 'credit')?.remaining;
  return { response, call, charged, transaction, binding, receipt, creditLeft };
};

/** Calls with Countersign's client. */
export const byAgent: Buyer = async ({ wallet }, request) =>
  reportOf(await wallet.agent.fetch(request.url, initOf(request)));

/** Tops up with Countersign's client. */
export const byTopUp =
  (amount: bigint): Buyer =>
  async ({ wallet, stack }) =>
    reportOf(await wallet.agent.topUp(stack.gateway, amount));

/** Calls with the official x402 client, which reports nothing: the wire and the headers tell the rest. */
export const byStock: Buyer = async ({ wallet }, request) => {
  const response = await wallet.stock(request.url, initOf(request));
  const header = response.headers.get('payment-response');
  const settlement = header === null ? undefined : decodePaymentResponseHeader(header);
  return {
    response,
    call: nonceOf(wallet.wire.seen().at(-1)?.proof ?? ''),
    charged: BigInt(settlement?.amount ?? '0'),
    transaction: (settlement?.transaction ?? '') as Hex | '',
    binding: 'none',
    creditLeft: undefined,
  };
};

/** Buys a call and checks its answer, the charged amount and the receipt. */
export const buy = async (
  scene: Scene,
  request: ToolRequest,
  price: bigint,
  buyer: Buyer,
): Promise<Purchase> => {
  const { stack, account, narrator } = scene;
  const from = Date.now();
  const {
    response,
    receipt: found,
    binding,
    ...report
  } = await narrator.during('paying', buyer(scene, request));
  const milliseconds = Date.now() - from;
  const answer = await answerOf(response);
  if (answer.status !== 200) narrator.detail(textOf(answer, 'detail'));
  narrator.check(
    `paid ${dollars(price)}, answer 200 after ${milliseconds} ms`,
    answer.status === 200 && report.charged === price,
    `${answer.status} for ${dollars(report.charged)}`,
  );
  const notBefore = Math.floor(from / 1000);
  const expected = {
    agent: account,
    request,
    call: report.call,
    binding,
    charged: price,
    notBefore,
  };
  const receipt = await verifyReceipt(stack, expected, answer);
  const claims = receipt.valid ? `: ${receipt.compared.length} claims` : '';
  const doubts = [
    ...(receipt.valid ? [] : [receipt.why]),
    ...(found?.verified === false ? [`the client found that ${found.why}`] : []),
  ];
  narrator.check(
    `receipt verified with the gateway's public key${claims}, binding '${binding}'`,
    doubts.length === 0,
    doubts.join('; '),
  );
  return { request, answer, receipt, ...report };
};
