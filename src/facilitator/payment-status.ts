import * as z from 'zod/mini';
import { nowSeconds } from '../core/clock.ts';
import { unreachable } from '../core/result.ts';
import { PRIVATE } from '../gateway/answer-headers.ts';
import type { Gateway } from '../gateway/gateway.ts';
import { clientOf, TOO_MANY } from '../gateway/rate-limit.ts';
import type { Network } from '../protocol/account-id.ts';
import { schemaFault } from '../protocol/fault.ts';
import type { Payment } from '../protocol/payment.ts';
import { problem } from '../protocol/problem/problem.ts';
import { address, bytes32, uint256 } from '../protocol/wire-fields.ts';
import { tokenOf } from '../protocol/x402/networks.ts';
import { caip2 } from '../protocol/x402/payload-schema.ts';
import type { ExpectedTransfer } from '../settlement/chain/expected-transfer.ts';
import type { Observation } from '../settlement/chain/observation.ts';
import { observePayments } from '../settlement/chain/observe-payments.ts';
import { readPayerFacts } from '../settlement/chain/payer.ts';
import { chainOf, searchFrom } from './search.ts';

export const STATUS_PATH = '/facilitator/payments/';

/** The path and query that look a payment up. */
export const statusPath = ({ token, authorization }: Payment): string => {
  const { from, to, value, validBefore, nonce } = authorization;
  const query = new URLSearchParams({
    payTo: to,
    amount: value.toString(),
    validBefore: validBefore.toString(),
  });
  return `${STATUS_PATH}${token.network}/${from}/${nonce}?${query.toString()}`;
};

const subject = z.strictObject({
  network: caip2,
  payer: address,
  nonce: bytes32,
  payTo: address,
  amount: uint256,
  validBefore: uint256,
});

/**
 * `GET /facilitator/payments/<network>/<payer>/<nonce>?payTo=…&amount=…&validBefore=…`: the state of a payment on the chain. The nonce
 * alone does not identify the transfer that the payer signed, so the query names it. Reads the chain only, and only for a listed address
 * (law 12).
 */
export const paymentStatus = async (gateway: Gateway, request: Request): Promise<Response> => {
  const { pathname, searchParams } = new URL(request.url);
  const [network, payer, nonce, ...more] = pathname
    .slice(STATUS_PATH.length)
    .split('/')
    .map((part) => part.replaceAll('%3A', ':'));
  const query = Object.fromEntries(searchParams);
  const read = subject.safeParse({ network, payer, nonce, ...query });
  if (!read.success || more.length > 0 || searchParams.size !== Object.keys(query).length) {
    const issues = read.success ? [] : read.error.issues;
    return problem(schemaFault('path', issues, {}));
  }
  const { data } = read;
  const token = tokenOf(data.network);
  const isListed = gateway.config.facilitates.get(data.network)?.includes(data.payTo) === true;
  if (!isListed || token === undefined) return problem({ reason: 'not_found' });
  const client = clientOf(request.headers);
  if (!(await gateway.rateLimit(`look-up ${client}`))) return problem(TOO_MANY);

  const chain = chainOf(gateway, data.network);
  const facts = await readPayerFacts(chain.urls, data.payer, token, data.nonce, nowSeconds());
  chain.onAnswered?.(facts.ok);
  const unreachable = (): Promise<Response> =>
    problem({ reason: 'payer_unreachable', network: data.network, needs: 'payment' });
  if (!facts.ok) return unreachable();
  const transfer: ExpectedTransfer = {
    token: token.address,
    payer: data.payer,
    payTo: data.payTo,
    value: data.amount,
    nonce: data.nonce,
    validBefore: data.validBefore,
    sinceBlock: searchFrom(facts.value),
  };
  const [observation] = await observePayments(chain, [transfer]);
  if (observation === undefined || observation.kind === 'unknown') {
    return unreachable();
  }
  return Response.json(bodyOf(data.network, transfer, observation), { headers: PRIVATE });
};

type Known = Exclude<Observation, { readonly kind: 'unknown' }>;

const bodyOf = (network: Network, transfer: ExpectedTransfer, observation: Known) => ({
  network,
  payer: transfer.payer,
  nonce: transfer.nonce,
  payTo: transfer.payTo,
  amount: transfer.value.toString(),
  status: statusOf(transfer, observation),
  ...('transaction' in observation ? { transaction: observation.transaction } : {}),
  ...('block' in observation ? { block: observation.block } : {}),
});

/**
 * `settled`: final. `confirming`: in a block that a reorganisation may still remove. `unused`: the money may still move. `expired`: it never
 * moves. `used`: the nonce was used for another transfer, or before the blocks that are searched. `cancelled`: by the payer.
 */
const statusOf = ({ validBefore }: ExpectedTransfer, observation: Known): string => {
  switch (observation.kind) {
    case 'settled':
      return 'settled';
    case 'unconfirmed':
      return 'confirming';
    case 'unused':
      return BigInt(observation.headTime) > validBefore ? 'expired' : 'unused';
    case 'spent_otherwise':
      return 'used';
    case 'cancelled':
      return 'cancelled';
    default:
      return unreachable(observation);
  }
};
