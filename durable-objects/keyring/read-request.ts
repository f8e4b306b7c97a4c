import { decodeUtf8 } from '../../src/crypto/bytes.ts';
import { err, ok, type Result } from '../../src/core/result.ts';
import { schemaFault } from '../../src/protocol/fault.ts';
import {
  rpcRequestSchema,
  SIGNER_METHODS,
  type RpcRequest,
} from '../../src/protocol/signer/rpc.ts';
import { parseStrictJson } from '../../src/protocol/strict-json.ts';
import type { RpcFault } from '../../src/signer/rpc-error.ts';
import { readSigningRequest } from '../../src/signer/signing-request.ts';
import type { Question } from './decide-request.ts';

/** Reads the JSON-RPC request of a body whose signature verified. */
export const readRpc = (body: Uint8Array): Result<RpcRequest, RpcFault> => {
  const text = decodeUtf8(body);
  const json = text === undefined ? undefined : parseStrictJson(text);
  if (json?.ok !== true) {
    return err({
      error: 'malformed-request',
      detail: 'The body must be UTF-8 of strict JSON: unique keys, at most 16 levels.',
    });
  }
  const parsed = rpcRequestSchema.safeParse(json.value);
  if (parsed.success) return ok(parsed.data);
  const { field, hint } = schemaFault('body', parsed.error.issues, {});
  return err({ error: 'malformed-request', field, detail: `${field} ${hint}.` });
};

const isMethod = (method: string): method is (typeof SIGNER_METHODS)[number] =>
  (SIGNER_METHODS as readonly string[]).includes(method);

/** Reads what a request asks for. Everything that is not a known method with readable typed data is foreign, and logged as such. */
export const questionOf = ({ method, params }: RpcRequest): Question => {
  if (!isMethod(method)) return { ask: 'foreign', method, params, fault: 'method' };
  if (method === 'eth_accounts') {
    return params.length === 0
      ? { ask: 'accounts' }
      : {
          ask: 'foreign',
          method,
          params,
          fault: { fault: 'malformed', field: 'params', hint: 'must be empty' },
        };
  }
  const request = readSigningRequest(params);
  return request.ok
    ? { ask: 'sign', request: request.value }
    : { ask: 'foreign', method, params, fault: request.error };
};
