import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, concatBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import canonicalize from 'canonicalize';
import type { AccountId } from '../protocol/account-id.ts';
import type { Hex } from '../core/hex.ts';
import type { ChainHead, Entry, EntryBody } from '../protocol/entry.ts';

export const GENESIS: ChainHead = { seq: 0, hash: `0x${'00'.repeat(32)}` };

const PREFIX = utf8ToBytes('countersign-entry/1\n');

/** Canonical texts of entries that this isolate made: each is hashed, stored and exported, but canonicalized once. */
const texts = new WeakMap<Entry, string>();

/** The canonical bytes of an entry as text (RFC 8785). */
export const entryText = (entry: Entry): string => texts.get(entry) ?? canonicalText(entry);

const canonicalText = (entry: Entry): string => {
  const text = canonicalize(entry);
  if (text === undefined) throw new Error('an entry is always an object');
  return text;
};

/** `SHA-256("countersign-entry/1\n" ‖ JCS)` (docs/wire-format.md §15). Synchronous, because the deciding transaction computes it. */
export const entryHash = (entry: Entry): Hex =>
  `0x${bytesToHex(sha256(concatBytes(PREFIX, utf8ToBytes(entryText(entry)))))}`;

/** Appends a body to a chain. */
export const link = (
  head: ChainHead,
  account: AccountId,
  salt: Hex,
  body: EntryBody,
): { entry: Entry; head: ChainHead } => {
  const entry: Entry = { ...body, v: 1, seq: head.seq + 1, account, prev: head.hash, salt };
  texts.set(entry, canonicalText(entry));
  return { entry, head: { seq: entry.seq, hash: entryHash(entry) } };
};
