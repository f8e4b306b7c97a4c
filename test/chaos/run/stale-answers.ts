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

/** Asks a node, a batch or one call, as it came. */
export const ask = async <T extends RpcRequest | readonly RpcRequest[]>(
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
 * What a node would have answered that is some blocks behind: of the newest block it knows, and nothing of those after it. What is
 * sent to it, it passes on.
 */
export const agedAnswers = async (
  rpc: string,
  calls: readonly RpcRequest[],
  behind: number,
): Promise<readonly RpcAnswer[]> => {
  const { result } = await ask(rpc, { id: 0, method: 'eth_blockNumber', params: [], ...VERSION });
  const head = Math.max(0, Number(result) - behind);
  const newest = `0x${head.toString(16)}`;
  const asked = calls.map((call) => ({
    ...call,
    params: call.params.map((one) => aged(one, newest)),
  }));
  const answers = new Map((await ask(rpc, asked)).map((answer) => [answer.id, answer]));
  return asked.map((call) => {
    const { error, result: told = null } = answers.get(call.id) ?? { error: LOST };
    if (call.method === 'eth_blockNumber') return said(call, newest);
    if (isOfLater(call, told, head)) return said(call, call.method === 'eth_getLogs' ? [] : null);
    if (error !== undefined) return { ...VERSION, id: call.id, error };
    return said(call, told);
  });
};

const VERSION = { jsonrpc: '2.0' };
const LOST = { code: -32_000, message: 'header not found' };

const said = ({ id }: RpcRequest, result: unknown) => ({ ...VERSION, id, result });

const aged = (param: unknown, newest: string): unknown => {
  if (NEWEST.has(param)) return newest;
  if (typeof param !== 'object' || param === null || !('toBlock' in param)) return param;
  const { toBlock } = param;
  return {
    ...param,
    toBlock: NEWEST.has(toBlock) || Number(toBlock) > Number(newest) ? newest : toBlock,
  };
};

const isOfLater = ({ method, params }: RpcRequest, told: unknown, head: number): boolean => {
  const [first] = params;
  switch (method) {
    case 'eth_getLogs':
      return Number((first as { fromBlock?: string }).fromBlock ?? 0) > head;
    case 'eth_getBlockByNumber':
      return Number(first) > head;
    case 'eth_getTransactionReceipt':
    case 'eth_getTransactionByHash':
      return Number((told as { blockNumber?: string } | null)?.blockNumber ?? 0) > head;
    default:
      return false;
  }
};
