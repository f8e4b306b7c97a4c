import { sha256 } from '@noble/hashes/sha2.js';
import { canonicalJson } from '../../core/canonical-json.ts';
import type { Hex } from '../../core/hex.ts';
import { err, ok, type Result } from '../../core/result.ts';
import { hexOf, utf8 } from '../../crypto/bytes.ts';
import { readEntry } from '../entry-schema.ts';
import type { HashedEntry } from './check.ts';
import type { Line } from './lines.ts';

/** The prefix of the hash of an entry (docs/wire-format.md §15). */
const PREFIX = utf8('countersign-entry/1\n');

/** Why a line is not an entry. `field`: the malformed member. */
export type FormFault = {
  readonly reason: 'not_utf8' | 'not_json' | 'malformed' | 'not_canonical';
  readonly field?: string;
};

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The hash of the canonical bytes of an entry. In JavaScript: browsers have no synchronous native hash. */
export const hashOfLine = (bytes: Uint8Array): Hex =>
  hexOf(sha256.create().update(PREFIX).update(bytes).digest());

/** Reads one line of a log: an entry in its only canonical text (RFC 8785), with every member well-formed. */
export const readEntryLine = (
  { number, bytes }: Line,
  file: string,
): Result<HashedEntry, FormFault> => {
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    return err({ reason: 'not_utf8' });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return err({ reason: 'not_json' });
  }
  const read = readEntry(value);
  if ('field' in read) return err({ reason: 'malformed', field: read.field });
  // Spaces, members that are there twice or another order would add bytes that two readers could read differently.
  if (!isCanonical(value, text)) return err({ reason: 'not_canonical' });
  const place = { file, line: number };
  return ok({ entry: read.entry, text, hash: hashOfLine(bytes), place });
};

/** Whether a text is the canonical one of the value that `JSON.parse` read from it. */
const isCanonical = (value: unknown, text: string): boolean => {
  // `JSON.parse` keeps the order of members, so a text in the right order is written back as it was. Every other text is compared with
  // the canonical one in full, which takes three times as long.
  if (hasSortedKeys(value) && JSON.stringify(value) === text) return true;
  try {
    return canonicalJson(value) === text;
  } catch {
    return false;
  }
};

/** Keys that JavaScript does not list in the order in which they were written. */
const INDEX = /^(?:0|[1-9][0-9]*)$/;

const hasSortedKeys = (value: unknown): boolean => {
  if (typeof value !== 'object' || value === null) return true;
  if (Array.isArray(value)) return value.every(hasSortedKeys);
  let before: string | undefined;
  for (const key of Object.keys(value)) {
    if ((before !== undefined && before >= key) || INDEX.test(key)) return false;
    if (!hasSortedKeys(Reflect.get(value, key))) return false;
    before = key;
  }
  return true;
};
