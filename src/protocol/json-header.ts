import { err, ok, type Result } from '../core/result.ts';
import { decodeBase64, decodeBase64Url, decodeUtf8 } from '../crypto/bytes.ts';
import { type WireFault, wirePath, type WireReason } from './fault.ts';
import { type JsonFault, parseStrictJson } from './strict-json.ts';

/** A header whose value is encoded JSON. */
export type JsonHeader = {
  readonly name: string;
  /** The longest value, in characters. */
  readonly limit: number;
  readonly encoding: 'base64' | 'base64url';
};

const ENCODINGS = {
  base64: { decode: decodeBase64, hint: 'must be standard base64 with padding' },
  base64url: { decode: decodeBase64Url, hint: 'must be base64url without padding' },
} as const;

/** Reads the JSON of a header, cheapest checks first. Never throws: every text yields a value or a fault. */
export const readJsonHeader = (header: JsonHeader, text: string): Result<unknown, WireFault> => {
  const refuse = (reason: WireReason, hint: string) =>
    err<WireFault>({ reason, field: header.name, hint });
  if (text.length > header.limit) {
    return refuse('too_large', `is longer than ${header.limit} characters`);
  }
  // The runtime joins repeated headers with a comma. Two proofs would let the gateway check one and act on the other.
  if (text.includes(',')) return refuse('duplicate_header', 'must be sent exactly once');
  const { decode, hint } = ENCODINGS[header.encoding];
  const bytes = text === '' ? undefined : decode(text);
  if (bytes === undefined) return refuse('malformed_header', hint);
  const decoded = decodeUtf8(bytes);
  if (decoded === undefined) return refuse('malformed_header', 'does not hold UTF-8 text');
  const json = parseStrictJson(decoded);
  return json.ok ? ok(json.value) : err(jsonFault(header.name, json.error));
};

/** Converts a fault of the JSON text into a fault of the header that carried it. */
const jsonFault = (root: string, fault: JsonFault): WireFault => {
  const malformed = (field: string, hint: string): WireFault => ({
    reason: 'malformed_header',
    field,
    hint,
  });
  switch (fault.reason) {
    case 'syntax':
      return malformed(root, 'does not hold JSON');
    case 'too_deep':
      return malformed(root, `nests deeper than ${fault.limit} levels`);
    case 'lone_surrogate':
      return malformed(root, 'holds a lone surrogate, which is not valid Unicode text');
    case 'duplicate_key':
      return malformed(wirePath(root, [fault.key]), 'is a key that appears twice in one object');
    case 'forbidden_key':
      return malformed(wirePath(root, [fault.key]), 'is not allowed as a key');
  }
};
