import { canonicalJson } from '../core/canonical-json.ts';
import type { Hex } from '../core/hex.ts';
import { nativeSha256OfText } from '../crypto/native-crypto.ts';
import type { AccountId } from '../protocol/account-id.ts';
import type { ChainHead, Entry, EntryBody } from '../protocol/entry.ts';

export const GENESIS: ChainHead = { seq: 0, hash: `0x${'00'.repeat(32)}` };

const PREFIX = 'countersign-entry/1\n';

/** Canonical texts of entries that this isolate made or read: each is hashed, stored and exported, but canonicalized once. */
const texts = new WeakMap<Entry, string>();

/** The canonical bytes of an entry as text (RFC 8785). */
export const entryText = (entry: Entry): string => texts.get(entry) ?? canonicalJson(entry);

/** Reads an entry from its canonical text, as the account stored it. */
export const readEntry = (text: string): Entry => {
  const entry = JSON.parse(text) as Entry;
  texts.set(entry, text);
  return entry;
};

/** `SHA-256("countersign-entry/1\n" ‖ JCS)` (docs/wire-format.md §15). Synchronous, because the deciding transaction computes it. */
export const entryHash = (entry: Entry): Hex => nativeSha256OfText(PREFIX + entryText(entry));

/** Appends a body to a chain. */
export const link = (
  head: ChainHead,
  account: AccountId,
  salt: Hex,
  body: EntryBody,
): { entry: Entry; head: ChainHead } => {
  const entry = inOrder({ ...body, v: 1, seq: head.seq + 1, account, prev: head.hash, salt });
  const text = canonicalJson(entry);
  texts.set(entry, text);
  return { entry, head: { seq: entry.seq, hash: nativeSha256OfText(PREFIX + text) } };
};

/** The members of an entry in canonical order (RFC 8785 §3.2.3), so that `canonicalJson` need not copy it. */
const MEMBERS: { readonly [Member in keyof Entry]-?: true } = {
  account: true,
  amounts: true,
  at: true,
  binding: true,
  call: true,
  count: true,
  decision: true,
  evidence: true,
  outcome: true,
  payment: true,
  policy: true,
  prev: true,
  request: true,
  rule: true,
  salt: true,
  seq: true,
  tool: true,
  type: true,
  v: true,
};
const NAMES = Object.keys(MEMBERS) as readonly (keyof Entry)[];

const inOrder = (entry: Entry): Entry => {
  const ordered: Record<string, unknown> = {};
  for (const name of NAMES) {
    const member = entry[name];
    if (member !== undefined) ordered[name] = member;
  }
  return ordered as Entry;
};
