import type * as z from 'zod/mini';
import type { JsonFault } from './strict-json.ts';

export type WireReason =
  /** Over the cap of its header or field; nothing of it was parsed. */
  | 'too_large'
  /** Sent more than once (the runtime joins repeats with a comma). */
  | 'duplicate_header'
  /** Not the encoding it must be: base64, UTF-8, JSON. */
  | 'malformed_header'
  | 'malformed_field'
  | 'unknown_field'
  | 'unsupported_version'
  | 'unsupported_scheme'
  | 'unsupported_network';

/** Why a header was not understood. `field` is a path such as `PAYMENT-SIGNATURE.payload.authorization.value`. */
export type WireFault = {
  readonly reason: WireReason;
  readonly field: string;
  readonly hint: string;
};

const MAX_KEY = 64;

/** A key as a stranger wrote it, short and printable enough to stand in an answer or a log. */
const printable = (key: PropertyKey): string =>
  String(key)
    .slice(0, MAX_KEY)
    .replace(/[^\x20-\x7e]/g, '?');

const join = (root: string, path: readonly PropertyKey[]): string =>
  [root, ...path.map(printable)].join('.');

/** Turns what a schema found first into a fault with its path. `reasons` names the paths that have a reason of their own. */
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
      field: join(root, [...issue.path, issue.keys[0] ?? '']),
      hint: 'is not a field of this object',
    };
  }
  const reason = reasons[issue.path.map(String).join('.')] ?? 'malformed_field';
  return { reason, field: join(root, issue.path), hint: issue.message };
};

/** Turns a fault of the JSON text into one of the header that carried it. */
export const jsonFault = (root: string, fault: JsonFault): WireFault => {
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
      return malformed(root, 'holds a lone surrogate, which is not Unicode text');
    case 'duplicate_key':
      return malformed(join(root, [fault.key]), 'is a key that appears twice in one object');
    case 'forbidden_key':
      return malformed(join(root, [fault.key]), 'is not allowed as a key');
  }
};
