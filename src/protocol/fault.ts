import type * as z from 'zod/mini';

/** A fault in one field of a document that an operator wrote. Never contains the value: it may be a secret. */
export type FieldFault = {
  /** A path such as `tools[3].price`; empty for the whole document. */
  readonly field: string;
  readonly reason: string;
};

/** Every issue that a schema found, each with its path. */
export const faultsOf = (issues: readonly z.core.$ZodIssue[]): readonly FieldFault[] =>
  issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({
          field: documentPath([...issue.path, key]),
          reason: 'is not a known field',
        }))
      : [{ field: documentPath(issue.path), reason: issue.message }],
  );

const documentPath = (path: readonly PropertyKey[]): string =>
  path.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    return text === '' ? String(key) : `${text}.${String(key)}`;
  }, '');

export type WireReason =
  /** The header or field is longer than its cap; the gateway parsed none of it. */
  | 'too_large'
  /** The caller sent the header more than once (the runtime joins repeats with a comma). */
  | 'duplicate_header'
  /** The value is not in the required encoding: base64, UTF-8, JSON. */
  | 'malformed_header'
  | 'malformed_field'
  | 'unknown_field'
  | 'unsupported_version'
  | 'unsupported_scheme'
  | 'unsupported_network';

/** Why the gateway could not read a header. `field` is a path such as `PAYMENT-SIGNATURE.payload.authorization.value`. */
export type WireFault = {
  readonly reason: WireReason;
  readonly field: string;
  /** Completes a sentence that begins with `field`: "must be …". */
  readonly hint: string;
};

/**
 * Converts the first issue that a schema found into a fault.
 *
 * @param root the header or body that the path starts from
 * @param reasons paths whose fault has a reason of its own; all others are `malformed_field`
 */
export const schemaFault = (
  root: string,
  issues: readonly z.core.$ZodIssue[],
  reasons: Readonly<Record<string, WireReason>>,
): WireFault => {
  const issue = issues[0];
  if (issue === undefined) return { reason: 'malformed_field', field: root, hint: 'is not valid' };
  if (issue.code === 'unrecognized_keys') {
    return {
      reason: 'unknown_field',
      field: wirePath(root, [...issue.path, issue.keys[0] ?? '']),
      hint: 'is not a field of this object',
    };
  }
  const reason = reasons[issue.path.map(String).join('.')] ?? 'malformed_field';
  return { reason, field: wirePath(root, issue.path), hint: issue.message };
};

/** A path such as `Agent-Intent.intent.nonce`. */
export const wirePath = (root: string, path: readonly PropertyKey[]): string =>
  [root, ...path.map(printableKey)].join('.');

const MAX_KEY = 64;

/** Makes a caller's key short and printable enough for an answer or a log (CWE-117). */
const printableKey = (key: PropertyKey): string =>
  String(key)
    .slice(0, MAX_KEY)
    .replace(/[^\x20-\x7e]/g, '?');
