import type { Address, Hex } from '../../core/hex.ts';
import type { Seconds } from '../../core/clock.ts';
import {
  type RpcAnswer,
  rpcBatch,
  type RpcCall,
  type RpcFault,
  toQuantity,
} from '../chain/json-rpc.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { blockQuery, type ChainLog, readLogs } from '../chain/query.ts';
import { addressWord, AUTHORIZATION_USED, TRANSFER } from '../chain/token-calls.ts';
import { type Movements, pair } from './movement.ts';

/** Blocks from one to another, both included. */
export type Blocks = { readonly from: number; readonly to: number };

/** What a chain says of the money that came to us in some blocks, and when the first and the last of them are dated. */
export type Window = Movements & { readonly fromTime: Seconds; readonly toTime: Seconds };

/** `refused`: too much for the node at once; fewer blocks may do. `unreachable`: it is away, or out of sorts. */
export type WindowFault = 'refused' | 'unreachable';

export type Receiver = {
  readonly urls: readonly [string, ...string[]];
  readonly token: Address;
  readonly payTo: Address;
};

/** Payers that one filter names: nodes take a thousand. */
const PAYERS = 100;
/** Filters in one batch. */
const FILTERS = 10;
const TIMEOUT_MS = 10_000;

/**
 * Reads all Transfers to us in these blocks, and then the authorizations that their payers used there: all other users of the
 * token, of which there are many, are left out. Blocks and logs come in one batch, so that a node which has not got the blocks
 * says so, instead of giving no logs.
 */
export const readWindow = async (
  { urls, token, payTo }: Receiver,
  { from, to }: Blocks,
): Promise<Result<Window, WindowFault>> => {
  const ask = (calls: readonly RpcCall[]) => rpcBatch(urls, calls, { timeoutMs: TIMEOUT_MS });
  const range = { address: token, fromBlock: toQuantity(from), toBlock: toQuantity(to) };
  const logsOf = (topics: readonly unknown[]): RpcCall => ({
    method: 'eth_getLogs',
    params: [{ ...range, topics }],
  });
  const first = blockQuery(toQuantity(from));
  const last = blockQuery(toQuantity(to));
  const answers = await ask([
    ...first.calls,
    ...last.calls,
    logsOf([[TRANSFER], null, [addressWord(payTo)]]),
  ]);
  if (!answers.ok) return err(unansweredIn({ from, to }, answers.error));
  const [begins, ends, logs] = answers.value;
  const start = begins && first.read([begins]);
  const end = ends && last.read([ends]);
  const transfers = within(readLogs(logs), token, { from, to });
  if (start?.number !== from || end?.number !== to || transfers === undefined) {
    return err(unreadIn({ from, to }, logs));
  }
  const payers = [...new Set(transfers.flatMap(({ topics }) => topics[1] ?? []))];
  const used: ChainLog[] = [];
  for (const filters of chunks(chunks(payers, PAYERS), FILTERS)) {
    const batch = await ask(filters.map((some) => logsOf([[AUTHORIZATION_USED], some])));
    if (!batch.ok) return err(unansweredIn({ from, to }, batch.error));
    for (const answer of batch.value) {
      const found = within(readLogs(answer), token, { from, to });
      if (found === undefined) return err(unreadIn({ from, to }, answer));
      used.push(...found);
    }
  }
  return ok({ ...pair(transfers, used), fromTime: start.timestamp, toTime: end.timestamp });
};

/** A busy node may give fewer blocks; of one alone only its size says that it will never be given. */
const unansweredIn = ({ from, to }: Blocks, { kind }: RpcFault): WindowFault =>
  kind === 'too_large' || (kind !== 'connection' && from < to) ? 'refused' : 'unreachable';

/** The same of a batch that was answered: the node has refused these logs, or has given what is no answer. */
const unreadIn = ({ from, to }: Blocks, logs: RpcAnswer | undefined): WindowFault =>
  from < to || logs?.ok === false ? 'refused' : 'unreachable';

/** Only what was asked for: a node that answers otherwise has not understood, and what it left out is not known. */
const within = (
  logs: readonly ChainLog[] | undefined,
  token: Address,
  { from, to }: Blocks,
): readonly ChainLog[] | undefined =>
  logs?.every(
    ({ address, blockNumber }) => address === token && from <= blockNumber && blockNumber <= to,
  ) === true
    ? logs
    : undefined;

export const chunks = <T>(all: readonly T[], size: number): readonly (readonly T[])[] =>
  Array.from({ length: Math.ceil(all.length / size) }, (_, at) =>
    all.slice(at * size, (at + 1) * size),
  );

/** Probes of one round. */
const PROBES = 15;

/**
 * The newest block from `low` to `high` that is not dated after a time, or `low` where none is; undefined where the node does not
 * answer. Some fifteen blocks a batch, so that even a chain of many millions takes seven.
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
    // The last of them is `to` itself: mostly it is old enough, and nothing more is asked.
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

/** When a block was made; undefined where the node does not say it. */
export const timeOf = async (
  urls: readonly [string, ...string[]],
  block: number,
): Promise<Seconds | undefined> => (await timesOf(urls, [toQuantity(block)]))?.[0];

const timesOf = async (
  urls: readonly [string, ...string[]],
  blocks: readonly Hex[],
): Promise<readonly Seconds[] | undefined> => {
  const questions = blocks.map(blockQuery);
  const answers = await rpcBatch(
    urls,
    questions.flatMap(({ calls }) => calls),
  );
  if (!answers.ok) return undefined;
  const times = questions.flatMap(({ read }, at) => {
    const answer = answers.value[at];
    return (answer === undefined ? undefined : read([answer]))?.timestamp ?? [];
  });
  return times.length === blocks.length ? times : undefined;
};
