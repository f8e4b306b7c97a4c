import { type RpcAnswer, type RpcFault, toQuantity } from './json-rpc.ts';
import type { Result } from '../../core/result.ts';
import { askBlock, type Block, readFlag, readLogs, readNumber } from '../chain-answer.ts';
import {
  type Asking,
  type Chain,
  type ChainView,
  isView,
  type Step,
  unanswered,
  unknown,
} from './observation.ts';
import { earliestBlock, type Look } from './expected-transfer.ts';
import { askAll } from './question.ts';
import { searchLog } from './nonce-search.ts';
import { spendingOf } from './nonce-use.ts';
import { authorizationLogs, authorizationState, balanceOf } from './token-calls.ts';

export type { Chain, ChainView } from './observation.ts';

/**
 * Reads the chain for many payments, commonly in two JSON-RPC batches: the head, nonce states, balances and the logs of the
 * nonces; then the receipts of the transactions found, and for what looks forever unused the same facts pinned to a final
 * block. A few more batches only where a nonce is used and the node did not give its log at once.
 *
 * @returns one view a look, in their order; `unknown` for all of them when no node answers.
 */
export const lookUp = async (
  chain: Chain,
  looks: readonly Look[],
): Promise<readonly ChainView[]> => {
  let steps: readonly Step[] = looks.map((look) => firstAsking(chain, look));
  for (;;) {
    if (steps.every(isView)) return steps;
    const asking = steps.filter((step): step is Asking => !isView(step));
    // Each batch needs the answers of the one before.
    const told = await askAll<Step>(chain.urls, asking);
    // What is too large was answered: a payer's megabytes of logs do not make the chain a silent one, for which sales stop.
    chain.heard?.(told.some((one) => one.ok || one.error.kind === 'too_large'));
    const answers = told.values();
    steps = steps.map((step) => (isView(step) ? step : next(step, answers.next().value)));
  }
};

const next = (asking: Asking, answer: Result<Step, RpcFault> | undefined): Step => {
  if (answer?.ok === true) return answer.value;
  return asking.failed?.() ?? unanswered(answer?.error);
};

const HEAD = askBlock('latest');

const firstAsking = (chain: Chain, look: Look): Asking => ({
  calls: [
    // First, and equal for every look, so sent once: what follows is of this block or a newer one.
    ...HEAD.calls,
    authorizationState(look.token, look.payer, look.nonce),
    balanceOf(look.token, look.payer),
    authorizationLogs(
      look.token,
      look.payer,
      look.nonce,
      toQuantity(earliestBlock(look)),
      'latest',
    ),
  ],
  read: (answers) => secondStep(chain, look, answers),
});

const secondStep = (
  chain: Chain,
  look: Look,
  [block, state, money, logs]: readonly RpcAnswer[],
): Step => {
  const head = block && HEAD.read([block]);
  const used = readFlag(state);
  const balance = readNumber(money);
  if (head === undefined || used === undefined || balance === undefined) {
    return unknown('the node did not answer about this payment');
  }
  const log = readLogs(logs)?.[0];
  if (log !== undefined) return spendingOf({ chain, look, head }, log);
  // Hours after acceptance a node may refuse the whole range. An unused nonce needs no logs; a used one is searched for.
  if (used) return searchLog({ chain, look, head });
  if (BigInt(head.timestamp) > look.validBefore) return askPinned(chain, look, head);
  return { view: 'unused', headBlock: head.number, headTime: head.timestamp, balance };
};

/**
 * Unused, and the head is past validBefore. Calls of one batch may see different heads (load-balanced nodes lag), and the
 * head may be reorganised into blocks dated before validBefore: so state, balance and time are read again at one final
 * block, by its number.
 */
const askPinned = (chain: Chain, look: Look, head: Block): Asking => {
  const height = Math.max(0, head.number - chain.confirmations + 1);
  const block = toQuantity(height);
  const time = askBlock(block);
  return {
    calls: [
      ...time.calls,
      authorizationState(look.token, look.payer, look.nonce, block),
      balanceOf(look.token, look.payer, block),
    ],
    read: ([at, state, money]) => {
      const pinned = at === undefined ? undefined : time.read([at]);
      const balance = readNumber(money);
      if (pinned?.number !== height || readFlag(state) !== false || balance === undefined) {
        return unknown('the node did not answer for a final block');
      }
      return { view: 'unused', headBlock: pinned.number, headTime: pinned.timestamp, balance };
    },
  };
};
