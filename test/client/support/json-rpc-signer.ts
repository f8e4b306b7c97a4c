import type { Hex, LocalAccount, TypedDataDefinition } from 'viem';
import { type RunningServer, serveLoopback } from '../../../dev/stack/loopback.ts';

/** A call of a JSON-RPC method as the service received it. */
export type RpcCall = {
  readonly method: string;
  readonly params: readonly unknown[];
  readonly headers: Headers;
};

/** Replaces an answer of the service. `honest` returns the correct one. */
export type Twist = (call: RpcCall, honest: () => Promise<unknown>) => unknown;

export type RpcSigner = RunningServer & { readonly calls: readonly RpcCall[] };

/** The correct answer: accounts in checksum case, and typed data parsed from JSON and signed with viem. */
const answer = async (
  account: LocalAccount,
  { method, params }: RpcCall,
): Promise<readonly string[] | Hex> => {
  if (method === 'eth_accounts') return [account.address];
  if (method !== 'eth_signTypedData_v4') throw new Error('method not found');
  const [address, text] = params;
  if (typeof text !== 'string' || String(address).toLowerCase() !== account.address.toLowerCase())
    throw new Error('unknown account');
  return await account.signTypedData(JSON.parse(text) as TypedDataDefinition);
};

/** Starts a service that holds a key and signs every request. A `Twist` may return a result or a whole Response. */
export const startRpcSigner = async (account: LocalAccount, twist?: Twist): Promise<RpcSigner> => {
  const calls: RpcCall[] = [];
  const server = await serveLoopback({
    handler: async (request) => {
      const body = (await request.json()) as Pick<RpcCall, 'method' | 'params'> & { id: number };
      const call = { method: body.method, params: body.params, headers: request.headers };
      calls.push(call);
      const reply = (more: object): Response =>
        Response.json({ jsonrpc: '2.0', id: body.id, ...more });
      try {
        const honest = async (): Promise<unknown> => await answer(account, call);
        const result = await (twist ?? ((_, truth) => truth()))(call, honest);
        return result instanceof Response ? result : reply({ result });
      } catch (error) {
        return reply({ error: { code: -32_000, message: (error as Error).message } });
      }
    },
  });
  return { ...server, calls };
};
