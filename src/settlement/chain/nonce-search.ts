import { earliestBlock, REORG_MARGIN } from './expected-transfer.ts';
import { type RpcAnswer, toQuantity } from './json-rpc.ts';
import { type NonceSearch, nonceUse } from './nonce-use.ts';
import { type NextQuery, type Observation, type ObservationStep, unknown } from './observation.ts';
import { blockQuery, type ChainLog, readFlag, readLogs } from './query.ts';
import { authorizationLogs, authorizationState } from './token-calls.ts';

/** Blocks whose logs are requested in one call: strict nodes allow this many. */
const WINDOW = 2_000;
/**
 * Windows read upward, per batch; most chains need the first batch only. The sum, 92,000 blocks, covers a chain of twenty blocks a
 * second: a settlement lies between acceptance and `validBefore`, at most 4,260 seconds (an authorization of 3,660 seconds, accepted
 * on facts 600 seconds old).
 */
const UPWARD = [2, 4, 8, 16, 16];
const DOWNWARD = 8;

/**
 * Searches for the log of a used nonce, window by window, for nodes that refuse long ranges: upward from the earliest block that
 * counts, to the head or to a block past `validBefore`; then downward into the time before acceptance.
 *
 * A missing log proves that the nonce was `spent_otherwise` only after every block was read that could hold a settlement: all up to a
 * block past `validBefore` that is deep enough to be known to every node, with the nonce used in a final block. Until then the
 * observation is `unknown`, so that an honest payer never owes because a node's logs lag behind its state.
 */
export const searchNonceLog = (search: NonceSearch): ObservationStep =>
  upward(search, earliestBlock(search.payment), 0);

const upward = (search: NonceSearch, from: number, round: number): ObservationStep => {
  const { chain, payment, head } = search;
  const count = UPWARD[round];
  if (count === undefined) return unknown('the blocks up to validBefore are too many to read');
  const to = Math.min(head.number, from + count * WINDOW - 1);
  const depth = Math.max(chain.confirmations - 1, REORG_MARGIN);
  const deep = Math.min(to, Math.max(0, head.number - depth));
  const final = Math.max(0, head.number - chain.confirmations + 1);
  const time = blockQuery(toQuantity(deep));
  return {
    calls: [
      ...time.calls,
      authorizationState(payment.token, payment.payer, payment.nonce, toQuantity(final)),
      ...windowCalls(search, from, to),
    ],
    read: ([block, state, ...windows]) => {
      const found = readWindows(windows);
      if (found === undefined) return unknown('the node did not return the logs of the nonce');
      if (found[0] !== undefined) return nonceUse(search, found[0]);
      const last = block && time.read([block]);
      if (last?.number !== deep) return unknown('the node did not return a block');
      const isPast = BigInt(last.timestamp) > payment.validBefore;
      if (!isPast && to < head.number) return upward(search, to + 1, round + 1);
      return downward(
        search,
        isPast && readFlag(state) === true
          ? { kind: 'spent_otherwise' }
          : unknown('the nonce is used, but the node has no log of it'),
      );
    },
  };
};

/** Reads the blocks before acceptance. A log there names the transaction and proves at once what otherwise only time proves. */
const downward = (search: NonceSearch, otherwise: Observation): Observation | NextQuery => {
  const to = earliestBlock(search.payment) - 1;
  if (to < 0) return otherwise;
  return {
    calls: windowCalls(search, Math.max(0, to - DOWNWARD * WINDOW + 1), to),
    read: (windows) => {
      const log = readWindows(windows)?.[0];
      return log === undefined ? otherwise : nonceUse(search, log);
    },
    failed: () => otherwise,
  };
};

const windowCalls = ({ payment }: NonceSearch, from: number, to: number) =>
  Array.from({ length: Math.max(0, Math.ceil((to - from + 1) / WINDOW)) }, (_, at) => {
    const start = from + at * WINDOW;
    const end = Math.min(to, start + WINDOW - 1);
    return authorizationLogs(
      payment.token,
      payment.payer,
      payment.nonce,
      toQuantity(start),
      toQuantity(end),
    );
  });

/** The logs of these windows. A log that was found counts even if other windows are missing; that there is none does not. */
const readWindows = (windows: readonly RpcAnswer[]): readonly ChainLog[] | undefined => {
  const read = windows.map(readLogs);
  const logs = read.flatMap((one) => one ?? []);
  return logs.length > 0 || !read.includes(undefined) ? logs : undefined;
};
