import { type JsonObject, isObject } from '../core/json-object.ts';
import { err, ok, type Result } from '../core/result.ts';
import { decodeUtf8 } from '../crypto/bytes.ts';
import { inexactNumber } from '../protocol/exact-numbers.ts';
import { endOfString, parseStrictJson } from '../protocol/strict-json.ts';

/** A JSON-RPC message of a client. The SDK checks its form; the gateway needs only the parts that decide about money. */
export type Message = {
  readonly json: JsonObject;
  /** Undefined for a notification, and for an id of a wrong type. */
  readonly id: string | number | undefined;
  readonly method: string | undefined;
  readonly params: JsonObject;
  /** `params._meta`; empty if there is none. */
  readonly meta: JsonObject;
};

/** The most values in a message: those that the arguments of a call may have, and some for the rest of it. */
const MAX_VALUES = 21_000;

/** Why a body is not a message: a code of JSON-RPC 2.0 §5.1, and the fault in words. */
export type MessageFault = { readonly code: -32700 | -32600; readonly message: string };

/**
 * Parses the body of a request to `/mcp`.
 *
 * Attack: two parsers that read a body differently would let the gateway check one call and the upstream run another (CWE-436). So
 * duplicate keys, `__proto__`, lone surrogates, deep nesting and numbers that a double cannot hold are faults. A batch is a fault as well:
 * a proof in the headers would count for each call in it.
 */
export const parseMessage = (body: Uint8Array): Result<Message, MessageFault> => {
  const text = decodeUtf8(body);
  if (text === undefined) return unreadable('is not UTF-8');
  // Attack: anyone may send a body, and 1 MiB of short members would take the parsers below half a second (law 12).
  if (hasMoreValues(text, MAX_VALUES)) return unreadable(`holds more than ${MAX_VALUES} values`);
  const json = parseStrictJson(text);
  if (!json.ok) return unreadable(FAULTS[json.error.reason]);
  const inexact = inexactNumber(text);
  if (inexact !== undefined) {
    return unreadable(`holds a number that a double cannot hold: ${inexact}`);
  }
  const { value } = json;
  if (Array.isArray(value)) {
    return err({
      code: -32600,
      message: 'Send one message in each request: there are no batches.',
    });
  }
  if (!isObject(value)) return err({ code: -32600, message: 'The body must be a JSON object.' });
  const { id, method, params } = value;
  const given = isObject(params) ? params : {};
  return ok({
    json: value,
    id: typeof id === 'string' || typeof id === 'number' ? id : undefined,
    method: typeof method === 'string' ? method : undefined,
    params: given,
    meta: isObject(given['_meta']) ? given['_meta'] : {},
  });
};

const COMMA = 0x2c;
const QUOTE = 0x22;
const OPENERS = new Set([0x5b, 0x7b]);
const CLOSERS = new Set([0x5d, 0x7d]);
const SPACE = 0x20;

/** True if a JSON text holds more than `most` values. Does not parse them. The result for other texts does not matter. */
const hasMoreValues = (text: string, most: number): boolean => {
  let count = 1;
  let isOpen = false;
  for (let at = 0; at < text.length && count <= most; at += 1) {
    const sign = text.charCodeAt(at);
    if (sign <= SPACE) continue;
    // The first value of a container follows no comma.
    if (sign === COMMA || (isOpen && !CLOSERS.has(sign))) count += 1;
    isOpen = OPENERS.has(sign);
    if (sign !== QUOTE) continue;
    const end = endOfString(text, at);
    if (end < 0) return false;
    at = end;
  }
  return count > most;
};

const unreadable = (fault: string): Result<Message, MessageFault> =>
  err({ code: -32700, message: `The body ${fault}.` });

const FAULTS = {
  syntax: 'is not JSON',
  too_deep: 'nests deeper than 16 levels',
  duplicate_key: 'holds a key twice in one object',
  forbidden_key: 'holds the key __proto__',
  lone_surrogate: 'holds a lone surrogate, which is not valid Unicode text',
} as const;
