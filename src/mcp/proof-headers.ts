import { type JsonObject, isObject } from '../core/json-object.ts';
import { err, ok, type Result } from '../core/result.ts';
import {
  decodeBinary,
  decodeBinaryUrl,
  decodeBinaryUtf8,
  encodeBase64,
  encodeBase64Url,
  utf8,
} from '../crypto/bytes.ts';
import { AGENT_INTENT_HEADER, MAX_AGENT_INTENT } from '../protocol/intent/agent-intent.ts';
import { RETRY_KEY_HEADER } from '../protocol/intent/retry-key.ts';
import type { Reason } from '../protocol/problem/reason.ts';
import { parseStrictJson } from '../protocol/strict-json.ts';
import { PAYMENT_HEADER } from '../protocol/x402/headers.ts';

/** The keys of `_meta` that carry a payment: the spec's, and that of x402 version 1 clients. */
const PAYMENT_KEYS = ['x402/payment', 'x402.payment'] as const;
const INTENT_KEY = 'countersign/intent';
const RETRY_KEY = 'countersign/retry-key';
const DRY_RUN_KEY = 'countersign/dry-run';
const DRY_RUN_HEADER = 'Dry-Run';

const MAX_PAYMENT = 16_384;

/** A proof in its header form. `field`: where the client put it. */
type Carried = { readonly field: string; readonly name: string; readonly value: string };

/**
 * Returns the headers of a request with the proof, retry key and dry run of its `_meta` in the headers that the gateway reads
 * (`readProof`), so that a call over MCP is checked by the same code as one over HTTP.
 *
 * Refuses two proofs that differ, in whatever spelling: choosing one would be a guess about money that an attacker can exploit.
 */
export const proofHeaders = (incoming: Headers, meta: JsonObject): Result<Headers, Reason> => {
  const names = [PAYMENT_HEADER[2], PAYMENT_HEADER[1], AGENT_INTENT_HEADER];
  const carried: Carried[] = names.flatMap((name) => {
    const value = incoming.get(name);
    return value === null ? [] : { field: name, name, value };
  });
  for (const key of PAYMENT_KEYS) {
    if (meta[key] === undefined) continue;
    const payment = paymentOf(metaField(key), meta[key]);
    if (!payment.ok) return payment;
    carried.push(payment.value);
  }
  if (meta[INTENT_KEY] !== undefined) {
    const intent = intentOf(meta[INTENT_KEY]);
    if (!intent.ok) return intent;
    carried.push(intent.value);
  }
  const [proof, ...more] = carried;
  if (proof !== undefined && more.some(({ name, value }) => differs(proof, name, value))) {
    return err({ reason: 'too_many_proofs', fields: carried.map(({ field }) => field) });
  }
  const headers = new Headers(incoming);
  for (const name of names) headers.delete(name);
  if (proof !== undefined) headers.set(proof.name, proof.value);
  const retryKey = place(headers, RETRY_KEY_HEADER, metaField(RETRY_KEY), meta[RETRY_KEY]);
  if (!retryKey.ok) return retryKey;
  const dryRun = meta[DRY_RUN_KEY];
  if (dryRun !== undefined && typeof dryRun !== 'boolean') {
    return malformed(metaField(DRY_RUN_KEY), 'must be true or false');
  }
  const value = dryRun === undefined ? undefined : `?${Number(dryRun)}`;
  return place(headers, DRY_RUN_HEADER, metaField(DRY_RUN_KEY), value);
};

const metaField = (key: string): string => `_meta["${key}"]`;

const malformed = (field: string, hint: string): Result<never, Reason> =>
  err({ reason: 'malformed_request', field, hint });

const differs = (proof: Carried, name: string, value: string): boolean =>
  proof.name !== name || proof.value !== value;

/** Sets a header from `_meta`. Refuses a value that differs from the header of the same meaning. */
const place = (
  headers: Headers,
  name: string,
  field: string,
  value: unknown,
): Result<Headers, Reason> => {
  if (value === undefined) return ok(headers);
  // A header value cannot hold these, and `Headers` would throw.
  if (typeof value !== 'string' || !/^[\x21-\x7e]{1,256}$/.test(value)) {
    return malformed(field, 'must be a text of printable ASCII');
  }
  const there = headers.get(name);
  if (there !== null && there !== value) {
    return malformed(field, `must be equal to the header ${name}, or be there alone`);
  }
  headers.set(name, value);
  return ok(headers);
};

/** Reads a payment: an object (x402 transports-v2/mcp), or its JSON in base64 (Cloudflare agents, x402 version 1). */
const paymentOf = (field: string, given: unknown): Result<Carried, Reason> => {
  const json = jsonOf(field, given, MAX_PAYMENT);
  if (!json.ok) return json;
  const name = json.value['x402Version'] === 1 ? PAYMENT_HEADER[1] : PAYMENT_HEADER[2];
  return ok({ field, name, value: encodeBase64(utf8(JSON.stringify(json.value))) });
};

/** Reads an intent: `{v, chainId, intent, signature}`, or the text of the header `Agent-Intent`. */
const intentOf = (given: unknown): Result<Carried, Reason> => {
  const field = metaField(INTENT_KEY);
  const json = jsonOf(field, given, MAX_AGENT_INTENT);
  if (!json.ok) return json;
  const value = encodeBase64Url(utf8(JSON.stringify(json.value)));
  return ok({ field, name: AGENT_INTENT_HEADER, value });
};

/** Reads an object that may be encoded. Writes it again afterwards, so that two spellings of one proof are equal. */
const jsonOf = (field: string, given: unknown, limit: number): Result<JsonObject, Reason> => {
  if (isObject(given)) return ok(given);
  if (typeof given !== 'string')
    return malformed(field, 'must be an object, or its JSON in base64');
  if (given.length > limit) return malformed(field, `is longer than ${limit} characters`);
  const binary = decodeBinary(given) ?? decodeBinaryUrl(given);
  const text = binary === undefined ? undefined : decodeBinaryUtf8(binary);
  const json = text === undefined ? undefined : parseStrictJson(text);
  return json?.ok === true && isObject(json.value)
    ? ok(json.value)
    : malformed(field, 'must be base64 of a JSON object in which no key is twice');
};
