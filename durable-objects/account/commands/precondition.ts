import canonicalize from 'canonicalize';
import type { CommandFault } from '../../../src/protocol/account/command-verdict.ts';
import type { Expected } from '../../../src/protocol/account/command.ts';
import type { Json } from '../../../src/protocol/entry.ts';
import type { Hex } from '../../../src/core/hex.ts';
import { sha256Hex, utf8 } from '../../../src/crypto/bytes.ts';

/** Checks `If-Match`. Race: two commands made for the same document; only one may win (CWE-367). */
export const mismatch = (
  expected: Expected | undefined,
  current: Hex | undefined,
): CommandFault | undefined => {
  const isMet =
    expected === undefined ||
    (expected === 'none'
      ? current === undefined
      : expected === '*'
        ? current !== undefined
        : current === expected);
  if (isMet) return undefined;
  return { reason: 'precondition_failed', ...(current === undefined ? {} : { current }) };
};

/** Like `mismatch`, but a sender that has not seen the document may not replace it. `next`: absent if the document is being removed. */
export const unseen = (
  expected: Expected | undefined,
  current: Hex | undefined,
  next: Hex | undefined,
): CommandFault | undefined => {
  const replaces = current !== undefined && next !== undefined && next !== current;
  return expected === undefined && replaces
    ? { reason: 'precondition_required', current }
    : mismatch(expected, current);
};

/** SHA-256 of canonical JSON: the ETag of a document. */
export const documentHash = (document: Json): Hex => sha256Hex(utf8(documentText(document)));

export const documentText = (document: Json): string => canonicalize(document) ?? '';
