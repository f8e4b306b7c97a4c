import {
  bytesSchema,
  isExecutionError,
  readAnswer,
  type RpcAnswer,
  toQuantity,
} from '../chain/json-rpc.ts';
import { askBlock, readFlag, readNumber } from '../chain-answer.ts';
import type { BounceReason, Payment } from '../../protocol/payment.ts';
import type { Question } from '../chain/question.ts';
import { transferData } from '../relayer/calldata.ts';
import { authorizationState, balanceOf, emptyTransfer } from '../chain/token-calls.ts';

const HEAD = askBlock('latest');
/** What a transfer and a signature check by code take together, and no payer's code more of our node. */
const GAS = 1_000_000;

/**
 * Whether a payment cannot be presented now through its payer's doing, asked of our own nodes: what a facilitator says of it is a reason
 * to ask, and never the answer. One that lies, or is at fault itself, must not cost a payer its trust.
 *
 * @returns undefined for anything but a clear yes: a nonce that was used meanwhile, an authorization that has ended, a node that lags or
 * does not answer, a token that is paused or moves nothing to the payee.
 */
export const askBounce = (
  { token, authorization, signature }: Pick<Payment, 'token' | 'authorization' | 'signature'>,
  sinceBlock: number,
): Question<BounceReason | undefined> => {
  const { from, to, value, nonce, validBefore } = authorization;
  const data = transferData({ authorization, signature }, 'key');
  return {
    calls: [
      ...HEAD.calls,
      authorizationState(token.address, from, nonce),
      balanceOf(token.address, from),
      { method: 'eth_getCode', params: [from, 'latest'] },
      {
        method: 'eth_call',
        params: [{ from: to, to: token.address, data, gas: toQuantity(GAS) }, 'latest'],
      },
      emptyTransfer(token.address, to),
    ],
    read: ([block, state, money, code, transfer, control]) => {
      const head = block && HEAD.read([block]);
      const balance = readNumber(money);
      const bytes = readAnswer(code, bytesSchema);
      if (head === undefined || balance === undefined || bytes === undefined) return undefined;
      const mayMove = readFlag(state) === false && BigInt(head.timestamp) < validBefore;
      // A node behind the block of acceptance has not seen what the payer had then.
      if (!mayMove || head.number < sinceBlock) return undefined;
      if (!isReverted(transfer) || control?.ok !== true) return undefined;
      if (balance < value) return 'unfunded';
      return bytes === '0x' ? 'refused' : 'code';
    },
  };
};

const isReverted = (answer: RpcAnswer | undefined): boolean =>
  answer?.ok === false && isExecutionError(answer.error);
