import { decodePaymentResponseHeader } from '@x402/core/http';
import {
  type Answer,
  answerOf,
  contentTypeOf,
  initOf,
  textOf,
  type ToolRequest,
} from './exchange.ts';
import type { Scene } from './scene.ts';
import { nonceOf } from './wallet.ts';
import type { StackDescription } from '../stack/stack-directory.ts';
import { createRemoteJWKSet, errors, jwtVerify } from 'jose';
import { createHash } from 'node:crypto';
import type { AgentResponse, Receipt } from '../../src/client/index.ts';
import { formatDollars } from '../../src/protocol/amount.ts';
import { requestDigest } from '../../src/protocol/intent/binding.ts';
import type { Hex } from 'viem';

/** Facts that the payer knows without the receipt. */
type Expected = {
  /** CAIP-10. */
  readonly agent: string;
  readonly request: ToolRequest;
  readonly call: Hex;
  /** Whether the signature was bound to the request. */
  readonly binding: 'none' | 'intent';
  readonly charged: bigint;
  /** Unix seconds before the request was sent. */
  readonly notBefore: number;
};

type ReceiptCheck =
  | {
      readonly valid: true;
      /** Claims that were compared with what the agent knew. */
      readonly compared: readonly string[];
      /** Hashes of the audit entry and of the policy of the decision, both to be found in the log. */
      readonly entry: string;
      readonly policy: string;
    }
  | { readonly valid: false; readonly why: string };

const HASH = /^0x[0-9a-f]{64}$/;

/** Timestamps are whole seconds. */
const TOLERANCE_SECONDS = 2;

const sha256 = (bytes: Uint8Array): Hex => `0x${createHash('sha256').update(bytes).digest('hex')}`;

/** Computes every claim of a receipt except those that only the log can confirm. */
const claimsFor = async (stack: StackDescription, expected: Expected, answer: Answer) => {
  const { request, agent, call, binding, charged } = expected;
  const { pathname, search } = new URL(request.url);
  return {
    iss: stack.audience,
    agent,
    tool: request.tool,
    call,
    request: await requestDigest({
      audience: stack.audience,
      tool: request.tool,
      method: request.method,
      target: pathname + search,
      contentType: contentTypeOf(request),
      payloadDigest: sha256(new TextEncoder().encode(request.body ?? '')),
    }),
    binding,
    charged: charged.toString(),
    asset: `eip155:${stack.chainId}/erc20:${stack.usdc.toLowerCase()}`,
    status: answer.status,
    response: sha256(answer.bytes),
  };
};

/** Verifies `Agent-Receipt` with the published keys of the gateway, and compares every claim with what the payer knows. */
const verifyReceipt = async (
  stack: StackDescription,
  expected: Expected,
  answer: Answer,
): Promise<ReceiptCheck> => {
  const header = answer.headers.get('agent-receipt');
  if (header === null) return { valid: false, why: 'no Agent-Receipt' };
  const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', stack.gateway));
  try {
    const { payload } = await jwtVerify(header, keys, {
      typ: 'agent-receipt+jwt',
      algorithms: ['EdDSA'],
      requiredClaims: ['iss', 'iat'],
    });
    const { entry, policy, iat = 0, ...rest } = payload;
    const claims = await claimsFor(stack, expected, answer);
    const names = [...new Set([...Object.keys(claims), ...Object.keys(rest)])];
    const wrong = names.filter((name) => claims[name as keyof typeof claims] !== rest[name]);
    const now = Date.now() / 1000;
    if (iat < expected.notBefore - TOLERANCE_SECONDS || iat > now + TOLERANCE_SECONDS)
      wrong.push('iat');
    if (typeof entry !== 'string' || !HASH.test(entry)) wrong.push('entry');
    if (typeof policy !== 'string' || !HASH.test(policy)) wrong.push('policy');
    if (wrong.length > 0) return { valid: false, why: `wrong claims: ${wrong.join(', ')}` };
    return {
      valid: true,
      compared: [...names, 'iat'],
      entry: String(entry),
      policy: String(policy),
    };
  } catch (error) {
    if (error instanceof errors.JOSEError) return { valid: false, why: error.message };
    throw error;
  }
};

/** A paid call. */
export type Purchase = {
  readonly request: ToolRequest;
  /** The call id: for a payment its EIP-3009 nonce. */
  readonly call: Hex;
  readonly answer: Answer;
  /** Charged amount that the gateway's answer states, in atomic units. */
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

/** Calls with the official x402 client. It reports nothing, so the report comes from the observed requests and the headers. */
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
