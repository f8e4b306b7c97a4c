import { sha256 } from '#sha256';
import type { Hex } from '../../core/hex.ts';
import { bytesOf, decodeBase64, encodeBase64, isHex, utf8 } from '../../crypto/bytes.ts';
import { type AccountId, parseAccountId } from '../../protocol/account-id.ts';
import { HASH_BYTES, leafHash, rootOf } from './merkle-tree.ts';

/**
 * A leaf of the transparency log (docs/audit-log.md): one stored chunk of an account's chain. A reader with the entries can recompute each
 * line. `prev` and `last` let a monitor follow an account: two leaves of one account that begin at one seq are two histories.
 */
export type Leaf = {
  readonly account: AccountId;
  /** The seq of the first entry, and the hash of the entry before it. */
  readonly first: { readonly seq: number; readonly prev: Hex };
  /** The seq and the hash of the last entry. */
  readonly last: { readonly seq: number; readonly hash: Hex };
  /** The root over the hashes of the entries: proves one of them without showing the others. */
  readonly root: Uint8Array;
};

const HEAD = 'countersign-head/1';
/** Bytes of a leaf, at most. */
export const MAX_LEAF = 300;

/** The leaf of consecutive entries. `hashes`: of each entry, in order, at least one. */
export const leafOf = (
  account: AccountId,
  first: Leaf['first'],
  hashes: readonly [Hex, ...Hex[]],
): Leaf => ({
  account,
  first,
  last: { seq: first.seq + hashes.length - 1, hash: hashes.at(-1) ?? hashes[0] },
  root: chunkRoot(hashes),
});

/** The root over the hashes of a chunk's entries, each a leaf of 32 bytes. */
export const chunkRoot = (hashes: readonly Hex[]): Uint8Array =>
  rootOf(hashes.map((hash) => leafHash(bytesOf(hash))));

/** The text of a leaf, UTF-8. */
export const leafText = ({ account, first, last, root }: Leaf): string =>
  `${HEAD}\n${account}\n${first.seq} ${first.prev}\n${last.seq} ${last.hash}\nroot ${encodeBase64(root)}\n`;

/**
 * The anchor of an account by its first leaf, and its head by its newest leaf: the index uses no other names (docs/audit-format.md,
 * "Heads"). Attack: the hashes of leaves in the tree are public, so an index of those hashes would show strangers which account is active.
 */
export const anchorOfLeaf = (first: Leaf): Uint8Array => named('countersign-anchor/1', first);
export const headOfLeaf = (newest: Leaf): Uint8Array => named('countersign-head-of/1', newest);
const named = (name: string, leaf: Leaf): Uint8Array => sha256(utf8(`${name}\n${leafText(leaf)}`));

/** The hash of a leaf in the tree of the log. */
export const hashOfLeaf = (leaf: Leaf): Uint8Array => leafHash(utf8(leafText(leaf)));

const SEQ_AND_HASH = /^(?<seq>[1-9]\d{0,15}) (?<hash>0x[0-9a-f]{64})$/;

/** Reads the text of a leaf. @returns undefined for any other text. */
export const parseLeaf = (text: string): Leaf | undefined => {
  if (text.length > MAX_LEAF) return undefined;
  const [head, account = '', from = '', to = '', root = '', end, ...rest] = text.split('\n');
  const first = seqAndHash(from);
  const last = seqAndHash(to);
  const hash = root.startsWith('root ') ? decodeBase64(root.slice('root '.length)) : undefined;
  const isWhole = head === HEAD && end === '' && rest.length === 0;
  if (!isWhole || parseAccountId(account) === undefined) return undefined;
  if (first === undefined || last === undefined || hash?.length !== HASH_BYTES) return undefined;
  if (last.seq < first.seq) return undefined;
  return {
    account: account as AccountId,
    first: { seq: first.seq, prev: first.hash },
    last,
    root: hash,
  };
};

const seqAndHash = (line: string): { readonly seq: number; readonly hash: Hex } | undefined => {
  const { seq, hash = '' } = SEQ_AND_HASH.exec(line)?.groups ?? {};
  const number = Number(seq);
  return Number.isSafeInteger(number) && isHex(hash) ? { seq: number, hash } : undefined;
};
