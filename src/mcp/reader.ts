import type { Tool } from '../catalog/tool.ts';
import type { Seconds } from '../core/clock.ts';
import { ok, type Result } from '../core/result.ts';
import { nativeSha256 } from '../crypto/native-crypto.ts';
import { checkSignedRequest } from '../gateway/account-api/authenticate.ts';
import type { CheckedProof, ReceivedRequest } from '../gateway/paid-request.ts';
import { readProof } from '../gateway/proof.ts';
import { requestEncoding } from '../protocol/intent/binding.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { type McpContext, MCP_PATH } from './context.ts';

const EMPTY = new Uint8Array(0);

/** The start of the ids in intents for the gateway itself. */
const OWN = 'countersign.';

/**
 * Returns the account that signed a request that only reads, or undefined if none did. An intent for the gateway itself that is not for
 * this request is refused: a client whose signature is wrong must not mistake the public catalogue for its own. A proof for a tool that is
 * sold authenticates nothing here and is ignored, because some clients send one set of headers with every request, e.g. `mcp-inspector`.
 *
 * @param tool one of `reading-tools.ts`. Its intent binds no arguments.
 */
export const readerOf = (
  { gateway: { config }, headers, audience }: McpContext,
  tool: Tool,
  now: Seconds,
): Result<CheckedProof | undefined, Reason> => {
  if (!headers.ok) return headers;
  const proof = readProof(headers.value);
  if (!proof.ok) return proof;
  // A payment proves a key too, but it authorizes only a payment, and a settled one is public.
  if (proof.value.kind !== 'intent') return ok(undefined);
  const { signed } = proof.value;
  return signed.intent.tool.startsWith(OWN)
    ? checkSignedRequest(config, tool, requestOf(tool, audience), signed, now)
    : ok(undefined);
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
