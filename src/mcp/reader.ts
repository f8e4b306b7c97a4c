import type { Tool } from '../catalog/tool.ts';
import type { Seconds } from '../core/clock.ts';
import { ok, type Result } from '../core/result.ts';
import { nativeSha256 } from '../crypto/native-crypto.ts';
import { checkSignedRequest } from '../gateway/account-api/authenticate.ts';
import type { CheckedProof, ReceivedRequest } from '../gateway/paid-request.ts';
import { readProof } from '../gateway/proof.ts';
import { challengeOf } from '../gateway/request-proof.ts';
import { requestEncoding } from '../protocol/intent/binding.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { type McpContext, MCP_PATH } from './context.ts';

const EMPTY = new Uint8Array(0);

/**
 * Returns the account that signed a request that only reads, or undefined if none did. A proof that is not for this request is refused,
 * not ignored: a client whose signature is wrong must not take the public catalogue for its own.
 *
 * @param tool one of `own-tools.ts`. Its intent binds no arguments.
 */
export const readerOf = (
  { gateway: { config }, headers, audience }: McpContext,
  tool: Tool,
  now: Seconds,
): Result<CheckedProof | undefined, Reason> => {
  if (!headers.ok) return headers;
  const proof = readProof(headers.value);
  if (!proof.ok) return proof;
  const received = requestOf(tool, audience);
  switch (proof.value.kind) {
    case 'none':
      return ok(undefined);
    // A payment proves a key too, but it authorizes only a payment, and a settled one is public.
    case 'payment':
      return { ok: false, error: challengeOf(config, received) };
    case 'intent':
      return checkSignedRequest(config, tool, received, proof.value.signed, now);
  }
};

/** The request that an intent of a reader is bound to. */
export const requestOf = ({ id, method }: Tool, audience: string): ReceivedRequest => {
  const fields = {
    audience,
    tool: id,
    method,
    target: MCP_PATH,
    contentType: '',
    payloadDigest: nativeSha256(EMPTY),
  };
  return { ...fields, body: undefined, request: nativeSha256(requestEncoding(fields)) };
};
