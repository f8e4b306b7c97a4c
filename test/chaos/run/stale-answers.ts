export type RpcRequest = {
  readonly id: number;
  readonly method: string;
  readonly params: readonly unknown[];
};
export type RpcAnswer = {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: unknown;
};

/** Sends one JSON-RPC call or a batch to a node. */
export const callNode = async <T extends RpcRequest | readonly RpcRequest[]>(
  rpc: string,
  calls: T,
): Promise<T extends RpcRequest ? RpcAnswer : readonly RpcAnswer[]> => {
  const response = await fetch(rpc, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(calls),
  });
  return (await response.json()) as never;
};

const NEWEST: ReadonlySet<unknown> = new Set(['latest', 'pending', 'safe', 'finalized']);

/**
 * Answers as a node that is `behind` blocks late: `latest` is an older block, and later blocks do not exist. Transactions sent to it still
 * reach the real node.
 */
export const staleAnswers = async (
  rpc: string,
  calls: readonly RpcRequest[],
  behind: number,
): Promise<readonly RpcAnswer[]> => {
  const { result } = await callNode(rpc, {
    id: 0,
    method: 'eth_blockNumber',
    params: [],
    ...VERSION,
  });
  const head = Math.max(0, Number(result) - behind);
  const newest = `0x${head.toString(16)}`;
  const limited = calls.map((call) => ({
    ...call,
    params: call.params.map((one) => limitedToHead(one, newest)),
  }));
  const answers = new Map((await callNode(rpc, limited)).map((answer) => [answer.id, answer]));
  return limited.map((call) => {
    const { error, result = null } = answers.get(call.id) ?? { error: LOST };
    if (call.method === 'eth_blockNumber') return answerTo(call, newest);
    if (isOfLater(call, result, head))
      return answerTo(call, call.method === 'eth_getLogs' ? [] : null);
    if (error !== undefined) return { ...VERSION, id: call.id, error };
    return answerTo(call, result);
  });
};

const VERSION = { jsonrpc: '2.0' };
const LOST = { code: -32_000, message: 'header not found' };

const answerTo = ({ id }: RpcRequest, result: unknown) => ({ ...VERSION, id, result });

const limitedToHead = (param: unknown, newest: string): unknown => {
  if (NEWEST.has(param)) return newest;
  if (typeof param !== 'object' || param === null || !('toBlock' in param)) return param;
  const { toBlock } = param;
  return {
    ...param,
    toBlock: NEWEST.has(toBlock) || Number(toBlock) > Number(newest) ? newest : toBlock,
  };
};

const isOfLater = ({ method, params }: RpcRequest, result: unknown, head: number): boolean => {
  const [first] = params;
  switch (method) {
    case 'eth_getLogs':
      return Number((first as { fromBlock?: string }).fromBlock ?? 0) > head;
    case 'eth_getBlockByNumber':
      return Number(first) > head;
    case 'eth_getTransactionReceipt':
    case 'eth_getTransactionByHash':
      return Number((result as { blockNumber?: string } | null)?.blockNumber ?? 0) > head;
    default:
      return false;
  }
};
