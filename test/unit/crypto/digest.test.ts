import { describe, expect, it } from 'vitest';
import { bodyDigest, sha256Hex, utf8 } from '../../../src/crypto/bytes.ts';
import vectors from '../../vectors/countersign-v1.json';

describe.each([
  ['the paid body', vectors.paid.request.body, vectors.paid.intent.payloadDigest],
  ['an empty body', vectors.unpaid.request.body, vectors.unpaid.intent.payloadDigest],
  ['an MCP call', vectors.mcp.canonicalPayload, vectors.mcp.intent.payloadDigest],
])('SHA-256 of %s', (_, text, digest) => {
  it('agrees with the vectors, computed synchronously and by the runtime', async () => {
    expect(sha256Hex(utf8(text))).toBe(digest);
    expect(await bodyDigest(new Uint8Array(utf8(text)))).toBe(digest);
  });
});
