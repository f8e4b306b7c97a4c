import { err, ok, type Result } from '../core/result.ts';
import { parseStrictJson } from './strict-json.ts';
import { jsonFault, type WireFault, type WireReason } from './wire-fault.ts';
import { decodeBase64, decodeBase64Url, decodeUtf8 } from '../crypto/bytes.ts';

/** A header that carries JSON: its name, its longest form in characters, and how its bytes are written as text. */
export type JsonHeader = {
  readonly name: string;
  readonly limit: number;
  readonly encoding: 'base64' | 'base64url';
};

const ENCODINGS = {
  base64: { decode: decodeBase64, hint: 'must be standard base64 with padding' },
  base64url: { decode: decodeBase64Url, hint: 'must be base64url without padding' },
} as const;

/** Reads the JSON of a header, cheapest checks first. Total: any text gives a value or a fault. */
export const readJsonHeader = (header: JsonHeader, text: string): Result<unknown, WireFault> => {
  const refuse = (reason: WireReason, hint: string) =>
    err<WireFault>({ reason, field: header.name, hint });
  if (text.length > header.limit) {
    return refuse('too_large', `is longer than ${header.limit} characters`);
  }
  // The runtime joins repeated headers. Two proofs, one checked and the other acted on, must not be possible.
  if (text.includes(',')) return refuse('duplicate_header', 'must be sent exactly once');
  const { decode, hint } = ENCODINGS[header.encoding];
  const bytes = text === '' ? undefined : decode(text);
  if (bytes === undefined) return refuse('malformed_header', hint);
  const decoded = decodeUtf8(bytes);
  if (decoded === undefined) return refuse('malformed_header', 'does not hold UTF-8 text');
  const json = parseStrictJson(decoded);
  return json.ok ? ok(json.value) : err(jsonFault(header.name, json.error));
};
