import { decodePaymentResponseHeader } from '@x402/core/http';
import type { Hex } from 'viem';
import type { AgentResponse, Receipt } from '../../src/client/index.ts';
import { formatDollars } from '../../src/protocol/amount.ts';
import { type Answer, answerOf, initOf, textOf, type ToolRequest } from './exchange.ts';
import { type ReceiptCheck, verifyReceipt } from './receipt.ts';
import type { Scene } from './scene.ts';
import { nonceOf } from './wire.ts';

/** A call that was paid for. */
export type Purchase = {
  readonly request: ToolRequest;
  /** The call id: of a payment, its EIP-3009 nonce. */
  readonly call: Hex;
  readonly answer: Answer;
  /** Atomic units the gateway says it charged. */
  readonly charged: bigint;
  /** Transaction named in the answer: empty for a payment that settles later. */
  readonly transaction: Hex | '';
  readonly receipt: ReceiptCheck;
  /** Of the payer's credit, if the gateway says so. */
  readonly creditLeft: bigint | undefined;
};

/** What a client says of a call that it has paid for. */
type Told = Pick<Purchase, 'call' | 'charged' | 'transaction' | 'creditLeft'> & {
  readonly response: Response;
  readonly binding: 'none' | 'intent';
  /** What the client found of the receipt, if it looks at any. */
  readonly receipt?: Receipt | undefined;
};

/** A client that pays for a request. */
type Buyer = (scene: Scene, request: ToolRequest) => Promise<Told>;

/** Dollars of an amount on the wire, for people. */
export const dollars = (amount: string | bigint): string => formatDollars(BigInt(amount));

const toldBy = (response: AgentResponse): Told => {
  const { call = '0x', charged, transaction = '', binding, receipt, limits } = response.countersign;
  const creditLeft = limits.find(({ rule }) => rule === 'credit')?.remaining;
  return { response, call, charged, transaction, binding, receipt, creditLeft };
};

/** Calls with Countersign's client. */
export const byAgent: Buyer = async ({ wallet }, request) =>
  toldBy(await wallet.agent.fetch(request.url, initOf(request)));

/** Pays an amount ahead with Countersign's client. */
export const ahead =
  (amount: bigint): Buyer =>
  async ({ wallet, stack }) =>
    toldBy(await wallet.agent.topUp(stack.gateway, amount));

/** Calls with the stock x402 client. It only pays: what it knows is what went over the wire. */
export const byStock: Buyer = async ({ wallet }, request) => {
  const response = await wallet.stock(request.url, initOf(request));
  const header = response.headers.get('payment-response');
  const told = header === null ? undefined : decodePaymentResponseHeader(header);
  return {
    response,
    call: nonceOf(wallet.wire.seen().at(-1)?.proof ?? ''),
    charged: BigInt(told?.amount ?? '0'),
    transaction: (told?.transaction ?? '') as Hex | '',
    binding: 'none',
    creditLeft: undefined,
  };
};

/** Buys a call, and checks its answer, what was charged against what the agent expects, and the receipt. */
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
    ...told
  } = await narrator.during('paying', buyer(scene, request));
  const milliseconds = Date.now() - from;
  const answer = await answerOf(response);
  if (answer.status !== 200) narrator.say(textOf(answer, 'detail'));
  narrator.check(
    `paid ${dollars(price)}, answered 200 in ${milliseconds} ms`,
    answer.status === 200 && told.charged === price,
    `${answer.status} for ${dollars(told.charged)}`,
  );
  const notBefore = Math.floor(from / 1000);
  const expected = { agent: account, request, call: told.call, binding, charged: price, notBefore };
  const receipt = await verifyReceipt(stack, expected, answer);
  const claims = receipt.valid ? `: ${receipt.compared.length} claims` : '';
  const doubts = [
    ...(receipt.valid ? [] : [receipt.why]),
    ...(found?.verified === false ? [`the client says that ${found.why}`] : []),
  ];
  narrator.check(
    `receipt verified with the gateway's public key${claims}, binding '${binding}'`,
    doubts.length === 0,
    doubts.join('; '),
  );
  return { request, answer, receipt, ...told };
};
