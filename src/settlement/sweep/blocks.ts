import type { Seconds } from '../../core/clock.ts';
import type { Hex } from '../../core/hex.ts';
import { rpcBatch, toQuantity } from '../chain/json-rpc.ts';
import { blockQuery } from '../chain/query.ts';

/** Blocks from one to another, both included. */
export type Blocks = { readonly from: number; readonly to: number };

export const chunks = <T>(all: readonly T[], size: number): readonly (readonly T[])[] =>
  Array.from({ length: Math.ceil(all.length / size) }, (_, at) =>
    all.slice(at * size, (at + 1) * size),
  );

/** Blocks that one round of the search reads. */
const PROBES = 15;

/**
 * Finds the newest block from `low` to `high` that is not dated after a time, or `low` if there is none; undefined if the node does not
 * answer. Each batch reads some fifteen blocks, so that a chain of many millions takes seven batches.
 */
export const blockAt = async (
  urls: readonly [string, ...string[]],
  time: Seconds,
  low: number,
  high: number,
): Promise<number | undefined> => {
  let [from, to] = [low, high];
  while (from < to) {
    const count = Math.min(PROBES, to - from);
    // The last probe is `to` itself: usually it is old enough, and the search ends.
    const probes = Array.from(
      { length: count },
      (_, at) => from + Math.ceil(((to - from) * (at + 1)) / count),
    );
    const times = await timesOf(urls, probes.map(toQuantity));
    if (times === undefined) return undefined;
    const young = times.findIndex((each) => each > time);
    if (young < 0) return to;
    to = (probes[young] ?? to) - 1;
    from = young === 0 ? from : (probes[young - 1] ?? from);
  }
  return from;
};

/** The time of a block; undefined if the node does not answer. */
export const timeOf = async (
  urls: readonly [string, ...string[]],
  block: number,
): Promise<Seconds | undefined> => (await timesOf(urls, [toQuantity(block)]))?.[0];

const timesOf = async (
  urls: readonly [string, ...string[]],
  blocks: readonly Hex[],
): Promise<readonly Seconds[] | undefined> => {
  const queries = blocks.map(blockQuery);
  const answers = await rpcBatch(
    urls,
    queries.flatMap(({ calls }) => calls),
  );
  if (!answers.ok) return undefined;
  const times = queries.flatMap(({ read }, at) => {
    const answer = answers.value[at];
    return (answer === undefined ? undefined : read([answer]))?.timestamp ?? [];
  });
  return times.length === blocks.length ? times : undefined;
};
