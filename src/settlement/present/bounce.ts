import type { Seconds } from '../../core/clock.ts';
import type { BounceReason, Payment } from '../../protocol/payment.ts';
import { BUSY, isInHand } from '../backends/backend.ts';
import {
  bytesSchema,
  isExecutionError,
  readAnswer,
  type RpcAnswer,
  toQuantity,
} from '../chain/json-rpc.ts';
import type { Chain } from '../chain/observation.ts';
import { blockQuery, type ChainQuery, readFlag, readNumber, runQueries } from '../chain/query.ts';
import { authorizationState, balanceOf, emptyTransfer } from '../chain/token-calls.ts';
import { nonceBitmap, readBit } from '../chain/permit-calls.ts';
import { transferData } from '../relayer/calldata.ts';
import { settleCall } from '../relayer/permit-calldata.ts';
import type { SettlementTask, TaskResult } from './task.ts';

const HEAD = blockQuery('latest');
/** Enough for a transfer with a signature check by code. The cap keeps a payer's code from occupying our node. */
const GAS = 1_000_000;

/**
 * Asks our own nodes whether a payment cannot be presented now for a reason of its payer.
 *
 * Attack: a facilitator that lies, or is at fault itself, makes a payer lose its deferred service. A facilitator's answer is therefore only
 * a reason to run this query, and never the result.
 *
 * @returns undefined unless the node clearly confirms the reason; so it is undefined too for a nonce that was used meanwhile, an
 * authorization that has ended, a node that lags or does not answer, and a token that is paused or transfers nothing to the payee.
 */
export const bounceQuery = (
  payment: Pick<Payment, 'token' | 'authorization' | 'signature' | 'permit' | 'charge'>,
  sinceBlock: number,
): ChainQuery<BounceReason | undefined> => {
  const { token, authorization, permit, charge } = payment;
  const { from, to, value, nonce, validBefore } = authorization;
  // Only its sender can settle a permit.
  const call =
    permit === undefined
      ? { from: to, to: token.address, data: transferData(payment, 'key') }
      : { from: permit.facilitator, ...settleCall(payment) };
  return {
    calls: [
      ...HEAD.calls,
      permit === undefined
        ? authorizationState(token.address, from, nonce)
        : nonceBitmap(from, nonce),
      balanceOf(token.address, from),
      { method: 'eth_getCode', params: [from, 'latest'] },
      {
        method: 'eth_call',
        params: [{ ...call, gas: toQuantity(GAS) }, 'latest'],
      },
      emptyTransfer(token.address, to),
    ],
    read: ([block, state, money, code, transfer, control]) => {
      const head = block && HEAD.read([block]);
      const balance = readNumber(money);
      const bytes = readAnswer(code, bytesSchema);
      if (head === undefined || balance === undefined || bytes === undefined) return undefined;
      const isUsed = permit === undefined ? readFlag(state) : readBit(state, nonce);
      const mayMove = isUsed === false && BigInt(head.timestamp) < validBefore;
      // A node behind the block of acceptance does not know the funds that the payer had then.
      if (!mayMove || head.number < sinceBlock) return undefined;
      if (!isReverted(transfer) || control?.ok !== true) return undefined;
      if (balance < (charge ?? value)) return 'unfunded';
      return bytes === '0x' ? 'refused' : 'code';
    },
  };
};

const isReverted = (answer: RpcAnswer | undefined): boolean =>
  answer?.ok === false && isExecutionError(answer.error);

/** A payment that is unused this long after its acceptance is suspect, even if a backend has it in hand. */
const SLOW: Seconds = 15;

/** Whether an owed payment is unused and still valid, but no backend took it, its payer lacks funds, or it takes long. */
const isSuspect = <T extends SettlementTask>(
  { task, observation, presented, declined }: TaskResult<T>,
  now: Seconds,
): boolean => {
  if (task.kind !== 'settle' || observation.kind !== 'unused') return false;
  if (BigInt(now) >= task.transfer.validBefore) return false;
  const isUntaken = presented !== undefined && !isInHand(presented.answer);
  // If no backend had a place for a payment, it waits because of the gateway, not because of its payer.
  const isSlow =
    now >= task.acceptedAt + SLOW && (presented !== undefined || declined?.why !== BUSY);
  return observation.balance < task.transfer.value || isUntaken || isSlow;
};

/** Adds to the suspect payments of a round whether they bounced, with one batch of queries. */
export const findBounces = async <T extends SettlementTask>(
  { urls }: Chain,
  results: readonly TaskResult<T>[],
  now: Seconds,
): Promise<readonly TaskResult<T>[]> => {
  const suspects = results.flatMap((one) => {
    const { payment, transfer } = one.task;
    return payment !== undefined && isSuspect(one, now) ? [{ one, payment, transfer }] : [];
  });
  if (suspects.length === 0) return results;
  const answers = await runQueries(
    urls,
    suspects.map(({ payment, transfer }) => bounceQuery(payment, transfer.sinceBlock)),
  );
  const reasons = new Map(
    suspects.map(({ one }, at) => {
      const answer = answers[at];
      return [one, answer?.ok === true ? answer.value : undefined];
    }),
  );
  return results.map((one) => {
    const bounced = reasons.get(one);
    return bounced === undefined ? one : { ...one, bounced };
  });
};
