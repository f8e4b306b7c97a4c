import type { Seconds } from '../../core/clock.ts';
import type { Address, Hex } from '../../core/hex.ts';
import { err, ok, type Result } from '../../core/result.ts';
import {
  type RpcAnswer,
  rpcBatch,
  type RpcCall,
  type RpcFault,
  toQuantity,
} from '../chain/json-rpc.ts';
import { readCall, settledPermit } from '../chain/permit-calls.ts';
import { blockQuery, type ChainLog, readLogs } from '../chain/query.ts';
import { addressWord, AUTHORIZATION_USED, TRANSFER } from '../chain/token-calls.ts';
import { type Blocks, chunks } from './blocks.ts';

/** A transfer to the gateway that a payer authorized, by EIP-3009 or by a permit of `upto`. */
export type ChainPayment = {
  readonly payer: Address;
  readonly nonce: Hex;
  /** Atomic units. */
  readonly amount: bigint;
  readonly transaction: Hex;
  readonly block: number;
};

/** A plain transfer to us, without an authorization. */
export type Unsolicited = Omit<ChainPayment, 'nonce'> & { readonly log: number };

export type Movements = {
  readonly payments: readonly ChainPayment[];
  readonly unsolicited: readonly Unsolicited[];
};

/** The transfers to us in some blocks, and the times of the first and the last block. */
export type Window = Movements & { readonly fromTime: Seconds; readonly toTime: Seconds };

/** `refused`: the node returns less at once; a request for fewer blocks may succeed. `unreachable`: the node does not answer usably. */
export type WindowFault = 'refused' | 'unreachable';

export type Receiver = {
  readonly urls: readonly [string, ...string[]];
  readonly token: Address;
  /** Never empty. */
  readonly payees: readonly Address[];
};

/** Payers in one filter: nodes accept a thousand. */
const PAYERS = 100;
/** Filters in one batch. */
const FILTERS = 10;
const TIMEOUT_MS = 10_000;

/**
 * Reads all Transfers to us in these blocks, and then the authorizations that their payers used there; the token's many other users are
 * left out. Blocks and logs come in one batch, so that a node without these blocks fails instead of returning no logs.
 */
export const readWindow = async (
  { urls, token, payees }: Receiver,
  { from, to }: Blocks,
): Promise<Result<Window, WindowFault>> => {
  const send = (calls: readonly RpcCall[]) => rpcBatch(urls, calls, { timeoutMs: TIMEOUT_MS });
  const range = { address: token, fromBlock: toQuantity(from), toBlock: toQuantity(to) };
  const logsOf = (topics: readonly unknown[]): RpcCall => ({
    method: 'eth_getLogs',
    params: [{ ...range, topics }],
  });
  const first = blockQuery(toQuantity(from));
  const last = blockQuery(toQuantity(to));
  const answers = await send([
    ...first.calls,
    ...last.calls,
    logsOf([[TRANSFER], null, payees.map(addressWord)]),
  ]);
  if (!answers.ok) return err(faultOfBatch({ from, to }, answers.error));
  const [begins, ends, logs] = answers.value;
  const start = begins && first.read([begins]);
  const end = ends && last.read([ends]);
  const transfers = within(readLogs(logs), token, { from, to });
  if (start?.number !== from || end?.number !== to || transfers === undefined) {
    return err(faultOfAnswer({ from, to }, logs));
  }
  const payers = [...new Set(transfers.flatMap(({ topics }) => topics[1] ?? []))];
  const used: ChainLog[] = [];
  for (const filters of chunks(chunks(payers, PAYERS), FILTERS)) {
    const batch = await send(filters.map((some) => logsOf([[AUTHORIZATION_USED], some])));
    if (!batch.ok) return err(faultOfBatch({ from, to }, batch.error));
    for (const answer of batch.value) {
      const found = within(readLogs(answer), token, { from, to });
      if (found === undefined) return err(faultOfAnswer({ from, to }, answer));
      used.push(...found);
    }
  }
  const movements = await findPermits(pairTransfers(transfers, used), send);
  return movements.ok
    ? ok({ ...movements.value, fromTime: start.timestamp, toTime: end.timestamp })
    : err(faultOfBatch({ from, to }, movements.error));
};

/** Transactions in one batch. */
const TRANSACTIONS = 100;

/**
 * Finds the permits among transfers without an authorization. Permit2 emits no log of a transfer: the transaction itself shows that it settles
 * a permit, and which. Such a transaction has one transfer of the permit's payer.
 */
const findPermits = async (
  { payments, unsolicited }: Movements,
  send: (calls: readonly RpcCall[]) => ReturnType<typeof rpcBatch>,
): Promise<Result<Movements, RpcFault>> => {
  const hashes = [...new Set(unsolicited.map(({ transaction }) => transaction))];
  const permits = new Map<Hex, ReturnType<typeof settledPermit>>();
  for (const some of chunks(hashes, TRANSACTIONS)) {
    const batch = await send(
      some.map((hash) => ({ method: 'eth_getTransactionByHash', params: [hash] })),
    );
    if (!batch.ok) return batch;
    for (const [at, hash] of some.entries()) {
      const call = readCall(batch.value[at]);
      if (call?.hash !== hash) return err({ kind: 'invalid' });
      permits.set(hash, settledPermit(call));
    }
  }
  const permitOf = ({ transaction, payer }: Unsolicited) => {
    const permit = permits.get(transaction);
    return permit?.payer === payer ? permit : undefined;
  };
  const settled = unsolicited.flatMap((one): ChainPayment[] => {
    const { log: _, ...moved } = one;
    const permit = permitOf(one);
    return permit === undefined ? [] : [{ ...moved, nonce: permit.nonce }];
  });
  return ok({
    payments: [...payments, ...settled],
    unsolicited: unsolicited.filter((one) => permitOf(one) === undefined),
  });
};

/** A busy node may return fewer blocks. For a single block, only its size proves that the node will never return it. */
const faultOfBatch = ({ from, to }: Blocks, { kind }: RpcFault): WindowFault =>
  kind === 'too_large' || (kind !== 'connection' && from < to) ? 'refused' : 'unreachable';

/** The fault of a batch that was answered: the node refused these logs, or returned something else. */
const faultOfAnswer = ({ from, to }: Blocks, logs: RpcAnswer | undefined): WindowFault =>
  from < to || logs?.ok === false ? 'refused' : 'unreachable';

/** The logs if all of them match the filter. A node that returns other logs has ignored it, and may have left out matching ones. */
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

/**
 * Pairs each Transfer to us with its payer's `AuthorizationUsed` log directly before it in the transaction, as `findTransfer` does. So one
 * Transfer serves one payment, and equal transfers in one transaction stay distinguishable. A token emits the two without a call in
 * between, so no other contract's log can separate them. Transfers of zero are ignored: anyone can emit them in any name.
 *
 * @param used logs of the same blocks and payers. Logs of payments to other receivers match no Transfer to us.
 */
const pairTransfers = (transfers: readonly ChainLog[], used: readonly ChainLog[]): Movements => {
  const authorizations = new Map(
    used
      .filter(({ topics }) => topics[0] === AUTHORIZATION_USED && topics.length === 3)
      .map((log) => [placeOf(log, log.logIndex), log]),
  );
  const payments: ChainPayment[] = [];
  const unsolicited: Unsolicited[] = [];
  // A node may return a log twice.
  const distinct = new Map(transfers.map((log) => [placeOf(log, log.logIndex), log]));
  const inOrder = [...distinct.values()].toSorted(
    (one, other) => one.blockNumber - other.blockNumber || one.logIndex - other.logIndex,
  );
  for (const log of inOrder) {
    const [topic, from] = log.topics;
    if (topic !== TRANSFER || from === undefined || log.data.length !== 66) continue;
    const amount = BigInt(log.data);
    if (amount === 0n) continue;
    const authorization = authorizations.get(placeOf(log, log.logIndex - 1));
    const nonce = authorization?.topics[1] === from ? authorization.topics[2] : undefined;
    const { transactionHash: transaction, blockNumber: block } = log;
    const moved = { payer: `0x${from.slice(26)}`, amount, transaction, block } as const;
    if (nonce === undefined) unsolicited.push({ ...moved, log: log.logIndex });
    else payments.push({ ...moved, nonce });
  }
  return { payments, unsolicited };
};

/** The place of a log; its index counts within the block. */
const placeOf = ({ blockNumber, transactionHash }: ChainLog, index: number): string =>
  `${blockNumber} ${transactionHash} ${index}`;
