import type { Hex } from '../../core/hex.ts';
import { utf8 } from '../../crypto/bytes.ts';
import { bodyDigest } from '../../crypto/digest.ts';

/** A request as the gateway received it. No field comes from what the caller states about its own request. */
export type ObservedRequest = {
  /** The configured origin that matched the request, never the Host header. */
  readonly audience: string;
  readonly tool: string;
  /** HTTP method, or `tools/call` for MCP. */
  readonly method: string;
  /** `pathname + search` of the WHATWG URL. */
  readonly target: string;
  readonly contentType: string;
  /** SHA-256 of the body bytes. */
  readonly payloadDigest: Hex;
};

const REQUEST_PREFIX = 'countersign-request/1\n';

/**
 * Hashes every field that identifies a request: SHA-256 over the prefix, then audience, tool, method, target, content type and
 * payload digest, each as UTF-8 after its length in four bytes, big-endian. The lengths keep two requests from sharing one encoding.
 */
export const requestDigest = async (observed: ObservedRequest): Promise<Hex> => {
  const fields = [
    observed.audience,
    observed.tool,
    observed.method,
    observed.target,
    observed.contentType,
    observed.payloadDigest,
  ].map(utf8);
  const prefix = utf8(REQUEST_PREFIX);
  const bytes = new Uint8Array(
    fields.reduce((length, field) => length + 4 + field.byteLength, prefix.byteLength),
  );
  const view = new DataView(bytes.buffer);
  bytes.set(prefix);
  let at = prefix.byteLength;
  for (const field of fields) {
    view.setUint32(at, field.byteLength);
    bytes.set(field, at + 4);
    at += 4 + field.byteLength;
  }
  return bodyDigest(bytes);
};
