import type { Hex } from '../../core/hex.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { bodyDigest, utf8 } from '../../crypto/bytes.ts';
import type { AgentIntent } from './agent-intent.ts';

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
/** Four bytes, in place of the length of a field. */
const NO_LENGTH = '\0'.repeat(4);

const BOUND_FIELDS: readonly (keyof ObservedRequest)[] = [
  'audience',
  'tool',
  'method',
  'target',
  'contentType',
  'payloadDigest',
];

/**
 * Encodes every field that identifies a request: the prefix, then audience, tool, method, target, content type and payload digest, each
 * as UTF-8 after its length in four bytes, big-endian. The lengths keep two requests from sharing one encoding.
 */
export const requestEncoding = (observed: ObservedRequest): Uint8Array<ArrayBuffer> => {
  let text = REQUEST_PREFIX;
  for (const field of BOUND_FIELDS) text += NO_LENGTH + observed[field];
  const bytes = utf8(text);
  const isAscii = bytes.byteLength === text.length;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  let at = REQUEST_PREFIX.length;
  for (const field of BOUND_FIELDS) {
    const { length } = isAscii ? observed[field] : utf8(observed[field]);
    view.setUint32(at, length);
    at += 4 + length;
  }
  return bytes;
};

/** The SHA-256 of `requestEncoding`. */
export const requestDigest = (observed: ObservedRequest): Promise<Hex> =>
  bodyDigest(requestEncoding(observed));

/**
 * `validAfter` of a bound payment: 0x436F756E, "Coun" in ASCII, a moment in 2005 that no x402 client signs. The payer's signature
 * covers it, so the gateway still recognises a bound payment after an attacker stripped its intent (CWE-757).
 */
export const BOUND_VALID_AFTER = 1_131_378_030n;

/** Values from `BOUND_VALID_AFTER` on: value + n stands for binding form n + 1. */
const RESERVED = 256n;

/** The binding form that `validAfter` of an authorization states. `unknown`: a reserved value that has no meaning yet. */
type BindingMark = 'none' | 'eip3009-nonce' | 'unknown';

/** Reads the binding mark of an authorization. */
export const bindingMarkOf = (validAfter: bigint): BindingMark => {
  if (validAfter === BOUND_VALID_AFTER) return 'eip3009-nonce';
  const isReserved = validAfter > BOUND_VALID_AFTER && validAfter < BOUND_VALID_AFTER + RESERVED;
  return isReserved ? 'unknown' : 'none';
};

/** The first field in which an intent and the request differ. */
type BindingFault = {
  readonly reason: 'intent_mismatch';
  readonly field: keyof ObservedRequest;
  readonly expected: string;
  readonly got: string;
};

/** Checks that the agent signed an intent for exactly this request. The fault names the first field that differs. */
export const bindIntent = (
  intent: AgentIntent,
  observed: ObservedRequest,
): Result<AgentIntent, BindingFault> => {
  for (const field of BOUND_FIELDS) {
    const expected = observed[field];
    const got = intent[field];
    if (got !== expected) return err({ reason: 'intent_mismatch', field, expected, got });
  }
  return ok(intent);
};
