import type { Result } from '../../core/result.ts';
import { earliestBlock, type ExpectedTransfer } from './expected-transfer.ts';
import { type RpcAnswer, type RpcFault, toQuantity } from './json-rpc.ts';
import { nonceUse, searchNonceLog } from './nonce-search.ts';
import { permitQuery } from './permit-search.ts';
import {
  type Chain,
  isObservation,
  type NextQuery,
  type Observation,
  type ObservationStep,
  unanswered,
  unknown,
} from './observation.ts';
import { type Block, blockQuery, readFlag, readLogs, readNumber, runQueries } from './query.ts';
import { authorizationLogs, authorizationState, balanceOf } from './token-calls.ts';

/**
 * Observes many payments on the chain, usually in two JSON-RPC batches: head, nonce states, balances and nonce logs first; then the
 * receipts of the transactions found, and the same facts pinned to a final block for payments that look unused forever. More batches
 * follow only if a nonce is used and the node did not return its log at once.
 *
 * @returns one observation per payment, in order; all `unknown` if no node answers.
 */
export const observePayments = async (
  chain: Chain,
  payments: readonly ExpectedTransfer[],
): Promise<readonly Observation[]> => {
  return observe(
    chain,
    payments.map((payment) =>
      payment.facilitator === undefined
        ? firstQuery(chain, payment)
        : permitQuery(chain, payment, payment.facilitator),
    ),
  );
};

/**
 * Observes payments as permits of an unknown sender. Safe only for payments that have settled: then the transfer that used the nonce has moved
 * the money, whoever sent it.
 */
export const observePermits = async (
  chain: Chain,
  payments: readonly ExpectedTransfer[],
): Promise<readonly Observation[]> =>
  observe(
    chain,
    payments.map((payment) => permitQuery(chain, payment, undefined)),
  );

const observe = async (
  chain: Chain,
  first: readonly ObservationStep[],
): Promise<readonly Observation[]> => {
  let steps = first;
  for (;;) {
    if (steps.every(isObservation)) return steps;
    const queries = steps.filter((step): step is NextQuery => !isObservation(step));
    const results = await runQueries<ObservationStep>(chain.urls, queries);
    // An answer that is too large still proves that the node answers. Otherwise a payer's megabytes of logs would make the chain look
    // silent and stop all sales.
    chain.onAnswered?.(results.some((one) => one.ok || one.error.kind === 'too_large'));
    const remaining = results.values();
    steps = steps.map((step) => (isObservation(step) ? step : next(step, remaining.next().value)));
  }
};

const next = (
  query: NextQuery,
  result: Result<ObservationStep, RpcFault> | undefined,
): ObservationStep => {
  if (result?.ok === true) return result.value;
  return query.failed?.() ?? unanswered(result?.error);
};

const HEAD = blockQuery('latest');

const firstQuery = (chain: Chain, payment: ExpectedTransfer): NextQuery => ({
  calls: [
    // The head first: every later answer is then of this block or a newer one. It is the same call for all payments, so it is sent once.
    ...HEAD.calls,
    authorizationState(payment.token, payment.payer, payment.nonce),
    balanceOf(payment.token, payment.payer),
    authorizationLogs(
      payment.token,
      payment.payer,
      payment.nonce,
      toQuantity(earliestBlock(payment)),
      'latest',
    ),
  ],
  read: (answers) => secondStep(chain, payment, answers),
});

const secondStep = (
  chain: Chain,
  payment: ExpectedTransfer,
  [block, state, money, logs]: readonly RpcAnswer[],
): ObservationStep => {
  const head = block && HEAD.read([block]);
  const isUsed = readFlag(state);
  const balance = readNumber(money);
  if (head === undefined || isUsed === undefined || balance === undefined) {
    return unknown('the node did not answer about this payment');
  }
  const log = readLogs(logs)?.[0];
  if (log !== undefined) return nonceUse({ chain, payment, head }, log);
  // Hours after acceptance a node may refuse the whole range. An unused nonce needs no logs; for a used one the log is searched.
  if (isUsed) return searchNonceLog({ chain, payment, head });
  if (BigInt(head.timestamp) > payment.validBefore) return pinnedQuery(chain, payment, head);
  return { kind: 'unused', headBlock: head.number, headTime: head.timestamp, balance };
};

/**
 * Reads nonce state, balance and time again at one final block, by its number, when the head is past `validBefore`.
 *
 * Race: calls of one batch may be answered at different heads by load-balanced nodes, and the head may be reorganised into blocks
 * dated before `validBefore`.
 */
const pinnedQuery = (chain: Chain, payment: ExpectedTransfer, head: Block): NextQuery => {
  const height = Math.max(0, head.number - chain.confirmations + 1);
  const block = toQuantity(height);
  const time = blockQuery(block);
  return {
    calls: [
      ...time.calls,
      authorizationState(payment.token, payment.payer, payment.nonce, block),
      balanceOf(payment.token, payment.payer, block),
    ],
    read: ([at, state, money]) => {
      const pinned = at === undefined ? undefined : time.read([at]);
      const balance = readNumber(money);
      if (pinned?.number !== height || readFlag(state) !== false || balance === undefined) {
        return unknown('the node did not answer for a final block');
      }
      return { kind: 'unused', headBlock: pinned.number, headTime: pinned.timestamp, balance };
    },
  };
};
