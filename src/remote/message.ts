import { type JsonObject, isObject } from '../core/json-object.ts';
import type { RpcError } from '../protocol/problem/upstream.ts';
import { nestsWithin } from '../protocol/strict-json.ts';

export type NotificationListener = (method: string, params: JsonObject) => void;

/**
 * Why a remote server gave no answer that the gateway can use. `malformed`: not JSON-RPC, or the answer to another request. `status`: an
 * HTTP error without a JSON-RPC error.
 */
export type RemoteFault =
  | 'timeout'
  | 'dropped'
  | 'truncated'
  | 'redirect'
  | 'payment'
  | 'encoding'
  | 'oversized'
  | 'malformed'
  | 'status';

/** A message of a remote server, seen from one of our requests. */
export type RemoteMessage =
  | { readonly kind: 'result'; readonly result: JsonObject }
  | { readonly kind: 'error'; readonly error: RpcError }
  | { readonly kind: 'notification'; readonly method: string; readonly params: JsonObject }
  /** Valid JSON-RPC that concerns no request of ours: another id, or a request of the server. */
  | { readonly kind: 'other' };

/** The deepest message. Own code walks messages recursively, and so do clients (CWE-674). */
const MAX_DEPTH = 64;
const MAX_ERROR_TEXT = 1_024;

/**
 * Reads a message of a remote server. Only the response whose id is `id` counts: an answer to another request must never be sold as the
 * answer to this one.
 *
 * @param id of our request; `null` if any error counts, because an HTTP error may answer a request that the server could not read
 * @returns undefined for text that is not a single JSON-RPC message
 */
export const readMessage = (text: string, id: string | null): RemoteMessage | undefined => {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(json) || json['jsonrpc'] !== '2.0' || !nestsWithin(json, MAX_DEPTH)) {
    return undefined;
  }
  const { id: answered, method, params, result, error } = json;
  if (typeof method === 'string') {
    return answered === undefined
      ? { kind: 'notification', method, params: isObject(params) ? params : {} }
      : { kind: 'other' };
  }
  if ((result === undefined) === (error === undefined)) return undefined;
  if (id !== null && answered !== id) return { kind: 'other' };
  if (isObject(result)) return { kind: 'result', result };
  const read = errorOf(error);
  return read === undefined ? undefined : { kind: 'error', error: read };
};

const errorOf = (error: unknown): RpcError | undefined => {
  if (!isObject(error)) return undefined;
  const { code, message, data } = error;
  if (typeof code !== 'number' || !Number.isSafeInteger(code)) return undefined;
  const text = typeof message === 'string' ? message.slice(0, MAX_ERROR_TEXT) : '';
  return { code, message: text, ...(data === undefined ? {} : { data }) };
};
