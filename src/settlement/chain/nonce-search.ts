import { type RpcAnswer, toQuantity } from './json-rpc.ts';
import { askBlock, type ChainLog, readFlag, readLogs } from '../chain-answer.ts';
import { type Asking, type ChainView, type Step, unknown } from './observation.ts';
import { earliestBlock, REORG_MARGIN } from './expected-transfer.ts';
import { type Search, spendingOf } from './nonce-use.ts';
import { authorizationLogs, authorizationState } from './token-calls.ts';

/** Blocks whose logs are asked for in one call: what even careful nodes allow. */
const WINDOW = 2_000;
/**
 * Windows read upward, batch after batch; most chains need the first only. Together 92,000 blocks: a settlement lies between
 * acceptance and validBefore, which is 4,260 seconds at most (an authorization of 3,660, accepted on facts 600 old), so
 * this is enough for a chain of twenty blocks a second.
 */
const UPWARD = [2, 4, 8, 16, 16];
const DOWNWARD = 8;

/**
 * Searches for the log of a used nonce window by window, for nodes that refuse long ranges: upward from the earliest block
 * that counts, to the head or to a block past validBefore; then some way down, into the time before acceptance.
 *
 * No log proves something only if every block was read that could hold a settlement: all up to one that is past validBefore
 * and so deep that a node which lags behind the head has it too. Then the nonce, used in a final block, was spent before
 * acceptance (or was cancelled after its time, which is no settlement either): `spent_otherwise`. Before that: `unknown`,
 * so that an honest payer never owes because a node's logs lag behind its state.
 */
export const searchLog = (search: Search): Step => upward(search, earliestBlock(search.look), 0);

const upward = (search: Search, from: number, round: number): Step => {
  const { chain, look, head } = search;
  const count = UPWARD[round];
  if (count === undefined) return unknown('the blocks up to validBefore are too many to read');
  const to = Math.min(head.number, from + count * WINDOW - 1);
  const depth = Math.max(chain.confirmations - 1, REORG_MARGIN);
  const deep = Math.min(to, Math.max(0, head.number - depth));
  const final = Math.max(0, head.number - chain.confirmations + 1);
  const time = askBlock(toQuantity(deep));
  return {
    calls: [
      ...time.calls,
      authorizationState(look.token, look.payer, look.nonce, toQuantity(final)),
      ...windowCalls(search, from, to),
    ],
    read: ([block, state, ...windows]) => {
      const found = readWindows(windows);
      if (found === undefined) return unknown('the node did not give the logs of the nonce');
      if (found[0] !== undefined) return spendingOf(search, found[0]);
      const seen = block && time.read([block]);
      if (seen?.number !== deep) return unknown('the node did not give a block');
      const isPast = BigInt(seen.timestamp) > look.validBefore;
      if (!isPast && to < head.number) return upward(search, to + 1, round + 1);
      return downward(
        search,
        isPast && readFlag(state) === true
          ? { view: 'spent_otherwise' }
          : unknown('the nonce is used, but its log is not to be had'),
      );
    },
  };
};

/** The blocks before acceptance: a log there names the transaction, and proves at once what else only time proves. */
const downward = (search: Search, otherwise: ChainView): ChainView | Asking => {
  const to = earliestBlock(search.look) - 1;
  if (to < 0) return otherwise;
  return {
    calls: windowCalls(search, Math.max(0, to - DOWNWARD * WINDOW + 1), to),
    read: (windows) => {
      const log = readWindows(windows)?.[0];
      return log === undefined ? otherwise : spendingOf(search, log);
    },
    failed: () => otherwise,
  };
};

const windowCalls = ({ look }: Search, from: number, to: number) =>
  Array.from({ length: Math.max(0, Math.ceil((to - from + 1) / WINDOW)) }, (_, at) => {
    const start = from + at * WINDOW;
    const end = Math.min(to, start + WINDOW - 1);
    return authorizationLogs(
      look.token,
      look.payer,
      look.nonce,
      toQuantity(start),
      toQuantity(end),
    );
  });

/** All logs of these windows. A log that was found counts though other windows are missing; that there is none does not. */
const readWindows = (windows: readonly RpcAnswer[]): readonly ChainLog[] | undefined => {
  const read = windows.map(readLogs);
  const logs = read.flatMap((one) => one ?? []);
  return logs.length > 0 || !read.includes(undefined) ? logs : undefined;
};
