import { canonicalJson } from '../core/canonical-json.ts';
import type { Hex } from '../core/hex.ts';
import { utf8 } from '../crypto/bytes.ts';
import { nativeSha256 } from '../crypto/native-crypto.ts';
import type { AccountId } from '../protocol/account-id.ts';
import type { ChainHead, Entry, EntryBody } from '../protocol/entry.ts';

export const GENESIS: ChainHead = { seq: 0, hash: `0x${'00'.repeat(32)}` };

const PREFIX = 'countersign-entry/1\n';

/** Canonical texts of entries that this isolate made: each is hashed, stored and exported, but canonicalized once. */
const texts = new WeakMap<Entry, string>();

/** The canonical bytes of an entry as text (RFC 8785). */
export const entryText = (entry: Entry): string => texts.get(entry) ?? canonicalJson(entry);

/** `SHA-256("countersign-entry/1\n" ‖ JCS)` (docs/wire-format.md §15). Synchronous, because the deciding transaction computes it. */
export const entryHash = (entry: Entry): Hex => nativeSha256(utf8(`${PREFIX}${entryText(entry)}`));

/** Appends a body to a chain. */
export const link = (
  head: ChainHead,
  account: AccountId,
  salt: Hex,
  body: EntryBody,
): { entry: Entry; head: ChainHead } => {
  const entry: Entry = { ...body, v: 1, seq: head.seq + 1, account, prev: head.hash, salt };
  texts.set(entry, canonicalJson(entry));
  return { entry, head: { seq: entry.seq, hash: entryHash(entry) } };
};
