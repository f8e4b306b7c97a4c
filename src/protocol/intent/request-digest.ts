import type { Hex } from '../../core/hex.ts';
import { utf8 } from '../../crypto/bytes.ts';
import { bodyDigest } from '../../crypto/digest.ts';
import type { ObservedRequest } from './binding.ts';

const REQUEST_PREFIX = 'countersign-request/1\n';

/**
 * SHA-256 over everything that makes a request this request: the prefix, then audience, tool, method, target, content type and
 * payload digest, each as UTF-8 after its length in four bytes, big-endian, so that no two requests have one encoding.
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
