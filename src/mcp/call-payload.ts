import { type JsonObject, isObject } from '../core/json-object.ts';
import { canonicalJson } from '../core/canonical-json.ts';
import { utf8 } from '../crypto/bytes.ts';
import type { RequestHead } from '../gateway/paid-request.ts';
import { MCP_PATH } from './context.ts';

/** The fields of a call that its proof is bound to (docs/wire-format.md §18), whether or not a tool has this name. */
export const headOfCall = (name: string, audience: string): RequestHead => ({
  audience,
  tool: name,
  method: 'tools/call',
  target: MCP_PATH,
  contentType: '',
});

/** Members of a call that answer a tool's request for input (MCP 2026-07-28). They belong to its arguments. */
export type InputMembers = {
  readonly inputResponses?: JsonObject;
  readonly requestState?: string;
};

export const inputMembers = ({ inputResponses, requestState }: JsonObject): InputMembers => ({
  ...(isObject(inputResponses) ? { inputResponses } : {}),
  ...(typeof requestState === 'string' ? { requestState } : {}),
});

/**
 * The payload that an intent for a call hashes. Attack: answers and state outside it could be exchanged under a valid signature.
 *
 * @param params of the request, for its answers to a request for input
 */
export const payloadOfCall = (
  name: string,
  given: JsonObject,
  params: JsonObject,
): Uint8Array<ArrayBuffer> =>
  new Uint8Array(utf8(canonicalJson({ ...inputMembers(params), arguments: given, name })));
